import { Effect, Either } from "effect"
import type { VNode } from "preact"
import { RouteNotFound, Unauthenticated } from "../../domain/Errors.ts"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { RateLimiter } from "../../services/admission/RateLimiter.ts"
import { clientAddress, limiterKey } from "../admission/Caller.ts"
import { answerPage, seeOther } from "../pages/AnswerPage.ts"
import { Field, Hidden, Username } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { noticeOf, withNotice } from "../pages/Notice.ts"
import { type FormVisit, form, page, type Visit } from "../pages/PageRoutes.tsx"
import { type FormProblem, fieldOf } from "../pages/ReadForm.ts"
import { authRequest, codeOf, Email, emailProblem, passwordProblems } from "./BeginSession.ts"
import { spendMailBudget } from "./PasswordBudgets.ts"

interface MailPageProps {
  readonly visitor: Visitor | undefined
  readonly problems?: ReadonlyArray<FormProblem> | undefined
  readonly notice?: string | undefined
}

const ForgotPage = ({ notice, problems, typed, visitor }: MailPageProps & { typed: string }): VNode => (
  <Layout title="Forgot your password?" visitor={visitor} problems={problems} notice={notice}>
    <h1>Forgot your password?</h1>
    <p>We send you an e-mail with a link to choose a new one. Until you do, your password stays the same.</p>
    <form method="post" action="/account/forgot#problem">
      <Field
        name="email"
        label="E-mail address"
        why="The one you sign in with."
        type="email"
        value={typed}
        autocomplete="username"
        required
        problems={problems}
      />
      <button type="submit">Send me the link</button>
    </form>
    <p>
      <a href="/sign-in">Back to signing in</a>
    </p>
  </Layout>
)

const ResetPage = ({ problems, token, visitor }: MailPageProps & { token: string }): VNode => (
  <Layout title="Choose a new password" visitor={visitor} problems={problems}>
    <h1>Choose a new password</h1>
    <p>This signs you out everywhere. Then sign in with the new password.</p>
    <form method="post" action="/account/reset#problem">
      <Hidden fields={[["token", token]]} />
      {/* The link does not say whose it is. */}
      <Username email="" />
      <Field
        name="password"
        label="New password"
        why="8 characters or more."
        type="password"
        autocomplete="new-password"
        required
        problems={problems}
      />
      <button type="submit">Set the new password</button>
    </form>
    <p>
      If the link has been used or has expired, <a href="/account/forgot">have another sent</a>.
    </p>
  </Layout>
)

const VerifyPage = ({ problems = [], token, visitor }: MailPageProps & { token: string }): VNode => (
  <Layout title="Confirm your e-mail address" visitor={visitor} problems={problems}>
    <h1>Confirm your e-mail address</h1>
    {problems.length === 0 ? (
      <>
        <p>You opened the link in our mail. Press the button to confirm that the address is yours.</p>
        <form method="post" action="/account/verify#problem">
          <Hidden fields={[["token", token]]} />
          <button type="submit">Yes, this address is mine</button>
        </form>
      </>
    ) : (
      <p>
        Your account page shows whether the address is confirmed, and can send you another link:{" "}
        <a href="/account">go to your account</a>.
      </p>
    )}
  </Layout>
)

/** These pages exist only if the service sends mail. */
const withMail = Effect.filterOrFail(
  AuthRoutes,
  ({ sendsMail }) => sendsMail,
  () => new RouteNotFound()
)

const tokenOf = (parameters: URLSearchParams) => parameters.get("token") ?? ""

/** Calls one of better-auth's routes, within the budget of the client's address. */
const asked = (visit: FormVisit, request: Request) =>
  Effect.gen(function* () {
    const routes = yield* withMail
    const limiter = yield* RateLimiter
    const address = yield* clientAddress(visit.request)
    yield* limiter.take("auth", limiterKey(address))
    return yield* routes.handle(request, address)
  })

const forgot = (visit: FormVisit) =>
  Effect.gen(function* () {
    yield* withMail
    const typed = visit.form.get("email") ?? ""
    const email = fieldOf(Email, typed, emailProblem)
    if (Either.isLeft(email)) {
      return yield* answerPage(<ForgotPage visitor={visit.visitor} typed={typed} problems={[email.left]} />, {
        status: 422
      })
    }
    yield* spendMailBudget(email.right)
    yield* asked(visit, authRequest(visit, "/api/auth/request-password-reset", { email: email.right }))
    return seeOther(withNotice("/account/forgot", "reset-sent"))
  })

const deadLink = "This link has been used, has expired, or is incomplete."

const reset = (visit: FormVisit) =>
  Effect.gen(function* () {
    yield* withMail
    const token = tokenOf(visit.form)
    const newPassword = visit.form.get("password") ?? ""
    const redraw = (problems: ReadonlyArray<FormProblem>) =>
      answerPage(<ResetPage visitor={visit.visitor} token={token} problems={problems} />, {
        status: 422,
        compress: false
      })
    const problems = passwordProblems(newPassword)
    if (problems.length > 0) return yield* redraw(problems)
    const answered = yield* asked(visit, authRequest(visit, "/api/auth/reset-password", { token, newPassword }))
    if (answered.ok) return seeOther(withNotice("/sign-in", "password-chosen"))
    const isDead = (yield* codeOf(answered)) === "INVALID_TOKEN"
    return yield* redraw([
      { message: isDead ? deadLink : "The new password could not be set. Have another link sent." }
    ])
  })

const verify = (visit: FormVisit) =>
  Effect.gen(function* () {
    const token = tokenOf(visit.form)
    const target = new URL(`/api/auth/verify-email?token=${encodeURIComponent(token)}`, "http://service")
    const answered = yield* asked(visit, new Request(target))
    return answered.ok
      ? seeOther(withNotice(visit.visitor === undefined ? "/sign-in" : "/account", "email-verified"))
      : yield* answerPage(<VerifyPage visitor={visit.visitor} token="" problems={[{ message: deadLink }]} />, {
          status: 422
        })
  })

const sendVerification = (visit: FormVisit) =>
  Effect.gen(function* () {
    yield* withMail
    if (visit.visitor === undefined) return yield* new Unauthenticated()
    const { email } = visit.visitor
    yield* spendMailBudget(email)
    const answered = yield* asked(visit, authRequest(visit, "/api/auth/send-verification-email", { email }))
    // better-auth refuses if the address has been confirmed meanwhile.
    return seeOther(withNotice("/account", answered.ok ? "verification-sent" : "email-verified"))
  })

const showing = (draw: (visit: Visit) => VNode) => (visit: Visit) =>
  // The page holds a secret beside what the request said, so it is not compressed (BREACH).
  Effect.zipRight(withMail, answerPage(draw(visit), { compress: false }))

/** The pages that mails lead to: a new password, and the confirmation of an address. */
export const mailPages = [
  page(
    "/account/forgot",
    showing(({ query, visitor }) => <ForgotPage visitor={visitor} typed="" notice={noticeOf(query)} />)
  ),
  form("/account/forgot", forgot),
  page(
    "/account/reset",
    showing(({ query, visitor }) => <ResetPage visitor={visitor} token={tokenOf(query)} />)
  ),
  form("/account/reset", reset),
  page(
    "/account/verify",
    showing(({ query, visitor }) => <VerifyPage visitor={visitor} token={tokenOf(query)} />)
  ),
  form("/account/verify", verify),
  form("/account/verification", sendVerification)
]
