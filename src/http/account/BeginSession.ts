import { Effect, Either, Option, Predicate, Redacted, Schema } from "effect"
import type { RateLimitExceeded } from "../../domain/Errors.ts"
import { BoundedText, Name } from "../../domain/Text.ts"
import type { Credential } from "../../services/account/Auth.ts"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { RateLimiter } from "../../services/admission/RateLimiter.ts"
import { clientAddress, limiterKey } from "../admission/Caller.ts"
import type { Visitor } from "../pages/Layout.tsx"
import type { FormVisit } from "../pages/PageRoutes.tsx"
import { type FormProblem, fieldOf } from "../pages/ReadForm.ts"
import type { ServerConfig } from "../ServerConfig.ts"
import { guardAccountPassword } from "./PasswordBudgets.ts"

/** A person with a session, and the cookies that keep it in a browser. */
interface Begun {
  readonly as: { readonly credential: Credential; readonly visitor: Visitor }
  readonly cookies: ReadonlyArray<string>
}

interface NotBegun {
  readonly problems: ReadonlyArray<FormProblem>
}

/** An e-mail address as somebody types it. */
export const Email = Schema.Trim.pipe(Schema.compose(BoundedText(1, 254)), Schema.pattern(/^[^\s@]+@[^\s@]+\.[^\s@]+$/))

// The minimum length, as better-auth counts it.
const shortest = 8
const longest = 128

export const emailProblem = { field: "email", message: "Write your e-mail address with an @, as in name@example.org." }
const nameProblem = { field: "name", message: "Write your name, in 200 characters at most." }

/** A person's name as they typed it, or what is wrong with it. */
export const readName = (typed: string | null) => fieldOf(Name, (typed ?? "").trim(), nameProblem)

/** What is wrong with a new password. */
export const passwordProblems = (password: string, field = "password"): ReadonlyArray<FormProblem> =>
  password.length < shortest
    ? [{ field, message: `Choose a password of at least ${shortest} characters.` }]
    : password.length > longest
      ? [{ field, message: `Choose a password of at most ${longest} characters.` }]
      : []

const takenProblem = {
  field: "email",
  message: "There is an account with this e-mail address already. Sign in with its password instead."
}
const wrongProblem = { field: "email", message: "E-mail address and password do not belong together. Check both." }

/** The code with which better-auth refuses. */
export const codeOf = (response: Response) =>
  Effect.promise(() => response.clone().json()).pipe(
    Effect.map((body) => (Predicate.hasProperty(body, "code") ? String(body.code) : "")),
    Effect.catchAllDefect(() => Effect.succeed(""))
  )

/** A request to one of better-auth's routes, as a program would send it. */
export const authRequest = ({ request }: FormVisit, path: `/api/auth/${string}`, body: object) =>
  new Request(new URL(path, "http://service"), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": request.headers["user-agent"] ?? "",
      ...(request.headers.cookie === undefined ? {} : { cookie: request.headers.cookie })
    },
    body: JSON.stringify(body)
  })

/** The session that an answer of better-auth begins. */
const begunBy = (response: Response) =>
  Effect.gen(function* () {
    const routes = yield* AuthRoutes
    const cookies = response.headers.getSetCookie()
    const cookie = Redacted.make(cookies.map((field) => field.split(";")[0] ?? "").join("; "))
    const session = yield* routes.session(cookie)
    return Option.map(session, ({ visitor }): Begun => ({ as: { visitor, credential: { cookie } }, cookies }))
  })

/**
 * Begins a session from a form: signs up (`sign=up`) or in. It uses the same code as the routes under `/api/auth`, with
 * their budgets. A sign-up that is sent twice counts as a sign-in the second time.
 */
export const beginSession = (
  visit: FormVisit
): Effect.Effect<Begun | NotBegun, RateLimitExceeded, AuthRoutes | RateLimiter | ServerConfig> =>
  Effect.gen(function* () {
    const { form, request } = visit
    const routes = yield* AuthRoutes
    const limiter = yield* RateLimiter
    const isNew = form.get("sign") === "up"
    const password = form.get("password") ?? ""
    const email = fieldOf(Email, form.get("email") ?? "", emailProblem)
    const name = readName(form.get("name"))
    const problems = [
      ...(isNew && Either.isLeft(name) ? [name.left] : []),
      ...(Either.isLeft(email) ? [email.left] : []),
      ...(isNew
        ? passwordProblems(password)
        : password === ""
          ? [{ field: "password", message: "Write your password." }]
          : [])
    ]
    if (Either.isLeft(email) || problems.length > 0) return { problems }

    const address = yield* clientAddress(request)
    yield* limiter.take("auth", limiterKey(address))
    const signIn = guardAccountPassword(
      email.right,
      address,
      routes.handle(authRequest(visit, "/api/auth/sign-in/email", { email: email.right, password }), address)
    )
    const signUp = Effect.gen(function* () {
      const made = yield* routes.handle(
        authRequest(visit, "/api/auth/sign-up/email", {
          email: email.right,
          name: Either.getOrElse(name, () => ""),
          password
        }),
        address
      )
      if ((yield* codeOf(made)) !== "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL") return made
      return yield* signIn
    })
    const answered = yield* isNew ? signUp : signIn
    if (answered.ok) {
      const begun = yield* begunBy(answered)
      if (Option.isSome(begun)) return begun.value
    }
    return { problems: [isNew ? takenProblem : wrongProblem] }
  })
