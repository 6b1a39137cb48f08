import { DateTime, Effect, Either, Redacted } from "effect"
import type { VNode } from "preact"
import type { Account, AccountSession } from "../../domain/account/Account.ts"
import { Unauthenticated } from "../../domain/Errors.ts"
import { Auth } from "../../services/account/Auth.ts"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { deleteAccount, planAccountDeletion, viewAccount } from "../../services/account/OwnAccount.ts"
import { clientAddress } from "../admission/Caller.ts"
import { answerPage, seeOther, withCookies } from "../pages/AnswerPage.ts"
import { Action, Field, Username } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { noticeOf, withNotice } from "../pages/Notice.ts"
import { type FormVisit, form, page, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { forgetSession } from "./AccountHttp.ts"
import { authRequest, codeOf, passwordProblems, readName } from "./BeginSession.ts"
import { DeletePage } from "./DeletePage.tsx"
import { guardOwnPassword } from "./PasswordBudgets.ts"

const When = ({ at }: { at: DateTime.Utc }): VNode => (
  <time dateTime={DateTime.formatIso(at)}>
    {DateTime.format(at, { locale: "en-GB", dateStyle: "long", timeStyle: "short" })} UTC
  </time>
)

const Session = ({ session }: { session: AccountSession }): VNode => (
  <li>
    {session.current ? <strong>Here, now</strong> : <strong>Elsewhere</strong>}: signed in{" "}
    <When at={session.createdAt} />
    {session.ipAddress !== null && (
      <>
        {" "}
        from <bdi>{session.ipAddress}</bdi>
      </>
    )}
    {session.userAgent !== null && (
      <span class="quiet">
        {" "}
        with <bdi>{session.userAgent}</bdi>
      </span>
    )}
  </li>
)

interface AccountPageProps {
  readonly account: Account
  readonly visitor: Visitor | undefined
  readonly sendsMail: boolean
  readonly notice?: string | undefined
  readonly problems?: ReadonlyArray<FormProblem>
}

const AccountPage = ({ account, notice, problems = [], sendsMail, visitor }: AccountPageProps): VNode => (
  <Layout title="Your account" path="/account" visitor={visitor} notice={notice} problems={problems}>
    <h1>Your account</h1>
    <dl class="facts">
      <dt>Name</dt>
      <dd dir="auto">{account.name}</dd>
      <dt>E-mail address</dt>
      <dd>
        <bdi>{account.email}</bdi>
        {sendsMail && (account.emailVerified ? ", confirmed" : ", not confirmed yet")}
      </dd>
      <dt>Since</dt>
      <dd>
        <When at={account.createdAt} />
      </dd>
    </dl>
    {sendsMail && !account.emailVerified && (
      <>
        <p class="why">
          When you signed up we sent you a mail with a link. Opening it shows that the address is yours.
        </p>
        <Action action="/account/verification" label="Send the mail again" class="plain" />
      </>
    )}
    <section>
      <h2>Where you are signed in</h2>
      <ul class="rows">
        {account.sessions.map((session) => (
          <Session session={session} />
        ))}
      </ul>
      {account.sessions.length > 1 && (
        <>
          <p class="why">If one of these is not you, end the others, and then change your password.</p>
          <Action action="/account/sessions" label="Sign out everywhere else" class="plain" />
        </>
      )}
    </section>
    <section>
      <h2>Change your name</h2>
      <form method="post" action="/account/name#problem">
        <Field
          name="name"
          label="Your name"
          why="It is how this service addresses you. Your organization keeps its own name and address."
          autocomplete="name"
          value={account.name}
          required
          problems={problems}
        />
        <button type="submit">Change the name</button>
      </form>
    </section>
    <section>
      <h2>Change your password</h2>
      <p class="why">Everywhere else you are signed in, you will be signed out.</p>
      <form method="post" action="/account/password#problem">
        <Username email={account.email} />
        <Field
          name="current_password"
          label="Current password"
          type="password"
          autocomplete="current-password"
          required
          problems={problems}
        />
        <Field
          name="new_password"
          label="New password"
          why="8 characters or more."
          type="password"
          autocomplete="new-password"
          required
          problems={problems}
        />
        <button type="submit">Change the password</button>
      </form>
    </section>
    <section>
      <h2>What we hold of you</h2>
      <p>
        One file, in JSON, with everything that belongs to your account: your organization, your agents and what you
        changed of them, your phones, your sessions. Passwords and codes are left out, since they give access.
      </p>
      <p>
        <a href="/api/account/export" download>
          Download everything
        </a>
      </p>
    </section>
    <section>
      <h2>Delete your account</h2>
      <p>
        <a href="/account/delete">See what would go, and delete it</a>. Nothing happens before you confirm it there.
      </p>
    </section>
  </Layout>
)

const shown = (visit: Visit, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.gen(function* () {
    const account = yield* viewAccount(visit.credential)
    const { sendsMail } = yield* AuthRoutes
    return yield* answerPage(
      <AccountPage
        account={account}
        visitor={visit.visitor}
        sendsMail={sendsMail}
        notice={noticeOf(visit.query)}
        problems={problems}
      />,
      { status: problems.length === 0 ? 200 : 422 }
    )
  })

/** The person whose form it is. */
const own = ({ visitor }: FormVisit) => (visitor === undefined ? new Unauthenticated() : Effect.succeed(visitor))

/** Passes a form on to one of better-auth's routes, with its session. */
const asked = (visit: FormVisit, path: `/api/auth/${string}`, body: object) =>
  Effect.gen(function* () {
    const routes = yield* AuthRoutes
    const address = yield* clientAddress(visit.request)
    return yield* routes.handle(authRequest(visit, path, body), address)
  })

const rename = (visit: FormVisit) =>
  Effect.gen(function* () {
    yield* own(visit)
    const name = readName(visit.form.get("name"))
    if (Either.isLeft(name)) return yield* shown(visit, [name.left])
    const answered = yield* asked(visit, "/api/auth/update-user", { name: name.right })
    return answered.ok
      ? withCookies(answered.headers.getSetCookie())(seeOther(withNotice("/account", "renamed")))
      : yield* new Unauthenticated()
  })

const changePassword = (visit: FormVisit) =>
  Effect.gen(function* () {
    const { userId } = yield* own(visit)
    const currentPassword = visit.form.get("current_password") ?? ""
    const newPassword = visit.form.get("new_password") ?? ""
    const problems = passwordProblems(newPassword, "new_password")
    if (problems.length > 0) return yield* shown(visit, problems)
    const answered = yield* guardOwnPassword(
      userId,
      asked(visit, "/api/auth/change-password", { currentPassword, newPassword })
    )
    if (answered.ok) {
      return withCookies(answered.headers.getSetCookie())(seeOther(withNotice("/account", "password-changed")))
    }
    if (answered.status === 401) return yield* new Unauthenticated()
    const message =
      (yield* codeOf(answered)) === "INVALID_PASSWORD"
        ? "This is not your current password. It was not changed."
        : "Your current password could not be read. It was not changed."
    return yield* shown(visit, [{ field: "current_password", message }])
  })

const endOthers = (visit: FormVisit) =>
  Effect.gen(function* () {
    yield* own(visit)
    const answered = yield* asked(visit, "/api/auth/revoke-other-sessions", {})
    return answered.ok ? seeOther(withNotice("/account", "sessions-ended")) : yield* new Unauthenticated()
  })

const deletion = (visit: Visit, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.flatMap(planAccountDeletion(visit.credential), (plan) =>
    answerPage(<DeletePage plan={plan} visitor={visit.visitor} problems={problems} />, {
      status: problems.length === 0 ? 200 : 422
    })
  )

const remove = (visit: FormVisit) =>
  deleteAccount({
    credential: visit.credential,
    body: Effect.succeed({ password: Redacted.make(visit.form.get("password") ?? "") })
  }).pipe(
    Effect.zipRight(Effect.map(Auth, (auth) => forgetSession(auth)(seeOther(withNotice("/", "account-deleted"))))),
    Effect.catchTags({
      WrongPassword: () => {
        const message = "This is not the password of your account. Nothing was deleted."
        return deletion(visit, [{ field: "password", message }])
      },
      OrganizationInUse: () =>
        deletion(visit, [{ message: "Nothing was deleted, since others depend on what would go. See below." }])
    })
  )

/** The pages of a person's account: details, sessions, password, deletion. */
export const accountPages = [
  page("/account", shown),
  form("/account/name", rename),
  form("/account/password", changePassword),
  form("/account/sessions", endOthers),
  page("/account/delete", deletion),
  form("/account/delete", remove)
]
