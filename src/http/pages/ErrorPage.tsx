import type { HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"
import type { VNode } from "preact"
import { type AnyRefusal, refusals } from "../../domain/Errors.ts"
import { currentRequestId } from "../Problem.ts"
import { answerPage } from "./AnswerPage.ts"
import { Layout } from "./Layout.tsx"
import { Wait } from "./Wait.tsx"

interface Words {
  readonly title: string
  readonly text: VNode | string
}

/** What a refusal means to a person, and what they can do. */
const wordsOf = (refusal: AnyRefusal): Words => {
  switch (refusal._tag) {
    case "RouteNotFound":
    case "MethodNotAllowed":
    case "AgentNotFound":
    case "IdentityNotFound":
    case "UnknownTemplateSlug":
    case "PublisherNotFound":
    case "RolloutNotFound":
    case "KeyNotFound":
    case "MemberNotFound":
      return {
        title: "There is nothing here",
        text: "The address may be mistyped, or what was here is gone. If it is an agent of yours, you may be signed in to another account."
      }
    case "ForeignOrigin":
      return {
        title: "The form came from another site",
        text: "It was sent from a page of another site, so nothing was done. Open the page here and send it again."
      }
    case "TooLarge":
      return { title: "That is too large", text: "What you sent is larger than the limit. Nothing was done." }
    case "RateLimitExceeded":
      return {
        title: "Too many tries",
        text: (
          <>
            You have reached the limit on how often this can be done. Nothing was done this time. Try again in{" "}
            <Wait seconds={refusal.retryAfterSeconds} />.
          </>
        )
      }
    case "Unavailable":
      return {
        title: "We can’t do this just now",
        text: "Our database does not answer. Nothing is lost. Try again in a moment: going back keeps what you typed."
      }
    case "NoPersonalOrg":
      return {
        title: "Your account is not ready yet",
        text: "It has no organization of its own. Sign out and sign in again to get one."
      }
    case "PlanStale":
      return {
        title: "Something has changed in the meantime",
        text: "What you were shown is no longer what would happen, so nothing was done. Go back, reload the page, and look again."
      }
    case "InvalidRequest":
    case "UnsupportedMediaType":
      return {
        title: "This could not be read",
        text: "What was sent does not match the form on this page. Nothing was done."
      }
    case "Internal":
      return { title: "Something went wrong here", text: "This is our fault, not yours. Try again later." }
    default:
      return { title: "This can’t be done", text: refusal.message }
  }
}

const statusOf = (refusal: AnyRefusal) => refusals.find(({ _tag }) => _tag === refusal._tag)?.status ?? 500

/** A refusal as a page. */
const ErrorPage = ({ refusal, requestId }: { refusal: AnyRefusal; requestId: string }): VNode => {
  const { text, title } = wordsOf(refusal)
  return (
    <Layout title={title} visitor="unknown">
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href="/">See what you can install</a>, or <a href="/agents">go to your agents</a>.
      </p>
      {statusOf(refusal) >= 500 && (
        <p class="quiet">
          If you ask for help, say this number: <code>{requestId}</code>
        </p>
      )}
    </Layout>
  )
}

/** Whether the request comes from a person's browser, for an address that has pages. */
export const wantsPage = ({ headers, url }: HttpServerRequest.HttpServerRequest): boolean =>
  /(^|[,\s])text\/html\s*(,|;|$)/i.test(headers.accept ?? "") && !/^\/api(\/|\?|$)/.test(url)

/** Answers with a refusal as a page. */
export const answerRefusalPage = (refusal: AnyRefusal, headers: Readonly<Record<string, string>>) =>
  Effect.flatMap(currentRequestId, (requestId) =>
    answerPage(<ErrorPage refusal={refusal} requestId={requestId} />, { status: statusOf(refusal), headers })
  )
