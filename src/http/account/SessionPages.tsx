import type { HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"
import type { VNode } from "preact"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { clientAddress } from "../admission/Caller.ts"
import { answerPage, seeOther, withCookies } from "../pages/AnswerPage.ts"
import { Layout } from "../pages/Layout.tsx"
import { noticeOf, withNotice } from "../pages/Notice.ts"
import { type FormVisit, form, page, type Redraw, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { authRequest } from "./BeginSession.ts"
import { SessionFields } from "./SessionForm.tsx"

/** Where to go after a sign-in: a path of this service, else the person's agents. */
export const nextOf = (wanted: string | null): `/${string}` => {
  const base = "http://service"
  if (wanted === null || !/^\/(?![/\\])/.test(wanted) || !URL.canParse(wanted, base)) return "/agents"
  const { origin, pathname, search } = new URL(wanted, base)
  return origin === base ? `${pathname as `/${string}`}${search}` : "/agents"
}

interface SessionPageProps {
  readonly sign: "in" | "up"
  readonly next: `/${string}`
  readonly typed: URLSearchParams
  readonly problems?: ReadonlyArray<FormProblem>
  readonly notice?: string | undefined
  /** Whether a forgotten password can be reset. */
  readonly sendsMail: boolean
}

const texts = {
  in: { title: "Sign in", other: "/sign-up", ask: "No account yet?", otherLabel: "Sign up" },
  up: { title: "Sign up", other: "/sign-in", ask: "You have an account?", otherLabel: "Sign in" }
} as const

const SessionPage = ({ notice, next, problems = [], sendsMail, sign, typed }: SessionPageProps): VNode => {
  const { ask, other, otherLabel, title } = texts[sign]
  const onward = next === "/agents" ? "" : `?next=${encodeURIComponent(next)}`
  return (
    <Layout title={title} path={`/sign-${sign}`} problems={problems} notice={notice}>
      <h1>{title}</h1>
      {sign === "up" && (
        <p>
          With an account you have an organization of your own. What you install is put there, and nobody else sees it.
        </p>
      )}
      <form method="post" action={`/sign-${sign}${onward}#problem`}>
        <SessionFields sign={sign} typed={typed} problems={problems} />
        <button type="submit">{title}</button>
      </form>
      <p>
        {ask} <a href={`${other}${onward}`}>{otherLabel}</a>
      </p>
      {sign === "in" && sendsMail && (
        <p>
          <a href="/account/forgot">Forgot your password?</a>
        </p>
      )}
    </Layout>
  )
}

const nothing = new URLSearchParams()

const showing = (sign: "in" | "up") => (visit: Visit) =>
  Effect.flatMap(AuthRoutes, ({ sendsMail }) => {
    const next = nextOf(visit.query.get("next"))
    return visit.visitor === undefined
      ? answerPage(
          <SessionPage sign={sign} next={next} typed={nothing} notice={noticeOf(visit.query)} sendsMail={sendsMail} />
        )
      : Effect.succeed(seeOther(next))
  })

const redrawing =
  (sign: "in" | "up"): Redraw<AuthRoutes | HttpServerRequest.HttpServerRequest> =>
  ({ form: typed, query }, problems, status) =>
    Effect.flatMap(AuthRoutes, ({ sendsMail }) =>
      answerPage(
        <SessionPage
          sign={sign}
          next={nextOf(query.get("next"))}
          typed={typed}
          problems={problems}
          sendsMail={sendsMail}
        />,
        { status }
      )
    )

const began = (sign: "in" | "up") => (visit: FormVisit) =>
  Effect.succeed(seeOther(withNotice(nextOf(visit.query.get("next")), sign === "in" ? "signed-in" : "signed-up")))

const signOut = (visit: FormVisit) =>
  Effect.gen(function* () {
    const routes = yield* AuthRoutes
    const address = yield* clientAddress(visit.request)
    const answered = yield* routes.handle(authRequest(visit, "/api/auth/sign-out", {}), address)
    return withCookies(answered.headers.getSetCookie())(seeOther(withNotice("/sign-in", "signed-out")))
  })

/** The pages to sign in, up and out. */
export const sessionPages = [
  page("/sign-in", showing("in")),
  page("/sign-up", showing("up")),
  form("/sign-in", began("in"), redrawing("in")),
  form("/sign-up", began("up"), redrawing("up")),
  form("/sign-out", signOut)
]
