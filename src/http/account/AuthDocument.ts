import type { Besides, JsonSchema } from "../documents/Document.ts"

/*
 * What the OpenAPI document says of the session routes that better-auth answers, which are no endpoints of the HttpApi.
 */

const text = (description: string, more: object = {}): JsonSchema => ({ type: "string", description, ...more })
const time = (description: string) => text(description, { format: "date-time" })

const object = (
  description: string,
  properties: Readonly<Record<string, JsonSchema>>,
  optional: ReadonlyArray<string> = []
): JsonSchema => ({
  type: "object",
  description,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
  additionalProperties: true
})

/** A request's object: other members are ignored. */
const request = (...of: Parameters<typeof object>) => {
  const { additionalProperties: _, ...schema } = object(...of)
  return schema
}

const refer = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })
const orNull = (schema: JsonSchema, description: string): JsonSchema => ({
  anyOf: [schema, { type: "null" }],
  description
})

const email = text("The e-mail address.", { minLength: 1, maxLength: 254 })
const password = text("The password, of 8 to 128 characters.", { minLength: 8, maxLength: 128 })

/** The schemas of these routes, as the components of the document. */
const schemas: Besides["schemas"] = {
  SignUpRequest: request("The account to make.", {
    name: text("What the person is called.", { minLength: 1, maxLength: 200 }),
    email,
    password
  }),
  SignInRequest: request("The account to sign in to.", {
    email,
    password: text("The password.", { minLength: 1, maxLength: 128 })
  }),
  User: object("The person an account is of.", {
    id: text("The account's id."),
    name: text("What the person is called."),
    email: text("The e-mail address, in lower case."),
    emailVerified: { type: "boolean", description: "Whether the person has proved that the address is theirs." },
    image: orNull({ type: "string" }, "The address of a picture, if any."),
    createdAt: time("When the account was made."),
    updatedAt: time("When it was changed last.")
  }),
  SignedUp: object("The account that was made, with a session.", {
    token: orNull({ type: "string" }, "The id of the session. What a program sends is in set-auth-token."),
    user: refer("User")
  }),
  SignedIn: object("The account that was signed in to, with a session.", {
    token: text("The id of the session. What a program sends is in set-auth-token."),
    redirect: { type: "boolean", description: "Always false here." },
    user: refer("User")
  }),
  SignedOut: object("The session has ended.", { success: { type: "boolean", description: "Always true." } }),
  SessionAnswer: {
    description: "The session of the request and whose it is, or null where it has none.",
    anyOf: [
      object("The session and whose it is.", {
        session: object("The session.", {
          id: text("The session's id."),
          userId: text("The account's id."),
          expiresAt: time("When it ends, unless it is used before."),
          createdAt: time("When it began."),
          updatedAt: time("When it was prolonged last."),
          ipAddress: orNull({ type: "string" }, "The address it began from."),
          userAgent: orNull({ type: "string" }, "The program it began in.")
        }),
        user: refer("User")
      }),
      { type: "null" }
    ]
  },
  AccountRefusal: object("Why the request was refused.", {
    code: text("What is wrong, for programs."),
    message: text("What is wrong, for people.")
  })
}

const person = {
  id: "oF3bq9dKxJ2mVtR7yLsE1cHwZ0aNuPgQ",
  name: "Ada Lovelace",
  email: "ada@example.org",
  emailVerified: false,
  image: null,
  createdAt: "2026-07-01T09:00:00.000Z",
  updatedAt: "2026-07-01T09:00:00.000Z"
}
const token = "Qm4xT8vB1nK6sD3fG9hJ2lP5rW7yZ0cA"

const json = (name: string, example: unknown) => ({ "application/json": { schema: refer(name), example } })
const problems = (...names: ReadonlyArray<string>) => {
  const [first = "", ...others] = names
  const schema = others.length === 0 ? refer(first) : { anyOf: names.map(refer) }
  return { "application/problem+json": { schema } }
}
const refused = (code: string, message: string) => json("AccountRefusal", { code, message })

const unreadable = {
  413: { description: "The body is too large", content: problems("TooLarge") },
  415: { description: "The body is encoded", content: problems("UnsupportedMediaType") }
}
const faults = {
  500: { description: "The service failed", content: problems("Internal") },
  503: { description: "The service is unavailable for now", content: problems("Unavailable") }
}
const limited = { 429: { description: "Too many requests", content: problems("RateLimitExceeded") } }
const foreign = {
  403: { description: "A page of another site sent the session cookie along", content: problems("ForeignOrigin") }
}
const foreignOrAway = {
  403: {
    description:
      "A page of another site sent the session cookie along, or an address to return to is not the service's own",
    content: { ...refused("INVALID_CALLBACK_URL", "Invalid callbackURL"), ...problems("ForeignOrigin") }
  }
}
const invalid = (code: string, message: string) => ({
  400: {
    description: "The request is not as it should be",
    content: { ...refused(code, message), ...problems("InvalidRequest") }
  }
})
const sessionHeaders = {
  "set-auth-token": { $ref: "#/components/headers/set-auth-token" },
  "set-cookie": { $ref: "#/components/headers/set-cookie" }
}

const tags = ["sessions"]

/** The routes, by path and method. Statuses and examples are completed with those of the other operations. */
const paths: Besides["paths"] = {
  "/api/auth/sign-up/email": {
    post: {
      operationId: "signUp",
      tags,
      summary: "Make an account",
      description:
        "And sign in to it: the answer sets the session cookie, and set-auth-token is the token for programs.",
      security: [],
      requestBody: {
        required: true,
        content: json("SignUpRequest", {
          name: "Ada Lovelace",
          email: "ada@example.org",
          password: "correct horse battery"
        })
      },
      responses: {
        200: {
          description: "The account, with a session",
          headers: sessionHeaders,
          content: json("SignedUp", { token, user: person })
        },
        ...invalid("PASSWORD_TOO_SHORT", "Password too short"),
        ...foreignOrAway,
        ...unreadable,
        422: {
          description: "There is an account with this address",
          content: refused("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email.")
        },
        ...limited,
        ...faults
      }
    }
  },
  "/api/auth/sign-in/email": {
    post: {
      operationId: "signIn",
      tags,
      summary: "Sign in",
      description: "The answer sets the session cookie, and set-auth-token is the token for programs.",
      security: [],
      requestBody: {
        required: true,
        content: json("SignInRequest", { email: "ada@example.org", password: "correct horse battery" })
      },
      responses: {
        200: {
          description: "The account, with a session",
          headers: sessionHeaders,
          content: json("SignedIn", { redirect: false, token, user: person })
        },
        ...invalid("INVALID_EMAIL", "Invalid email"),
        401: {
          description: "No account has this address and this password",
          content: refused("INVALID_EMAIL_OR_PASSWORD", "Invalid email or password")
        },
        ...foreignOrAway,
        ...unreadable,
        ...limited,
        ...faults
      }
    }
  },
  "/api/auth/sign-out": {
    post: {
      operationId: "signOut",
      tags,
      summary: "Sign out",
      description:
        "Ends the session of the request, and has the browser forget the cookie. Without a session it does the same.",
      security: [{ session: [] }, { bearer: [] }],
      responses: {
        200: {
          description: "The session has ended",
          headers: { "set-cookie": sessionHeaders["set-cookie"] },
          content: json("SignedOut", { success: true })
        },
        ...invalid("FAILED_TO_GET_SESSION", "Failed to get session"),
        ...foreign,
        ...unreadable,
        ...faults
      }
    }
  },
  "/api/auth/get-session": {
    get: {
      operationId: "getSession",
      tags,
      summary: "The session of the request",
      description: "And whose it is; null where the request has none. Prolongs a session that is older than a day.",
      security: [{ session: [] }, { bearer: [] }],
      responses: {
        200: {
          description: "The session, or null",
          content: json("SessionAnswer", {
            session: {
              id: "hT5gR2wE8qY1uI4oP7aS0dF3jK6lZ9xC",
              userId: person.id,
              expiresAt: "2026-07-08T09:00:00.000Z",
              createdAt: person.createdAt,
              updatedAt: person.updatedAt,
              ipAddress: "192.0.2.1",
              userAgent: "curl/8.14.1"
            },
            user: person
          })
        },
        ...invalid("FAILED_TO_GET_SESSION", "Failed to get session"),
        ...faults
      }
    }
  }
}

/** Accounts and sessions, for the OpenAPI document. */
export const authDocument: Besides = {
  tags: [{ name: "sessions", description: "Making an account, signing in and out" }],
  paths,
  schemas
}
