import { gunzipSync } from "node:zlib"
import { HttpMiddleware, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { Effect, Either, Schema } from "effect"
import { answerPage } from "./AnswerPage.ts"
import { wantsPage } from "./ErrorPage.tsx"
import { Layout } from "./Layout.tsx"

const decodeJson = Schema.decodeUnknownEither(Schema.parseJson())

/** The JSON of an answer, indented to be read; undefined if the answer holds none. */
const jsonOf = ({ body, headers }: HttpServerResponse.HttpServerResponse): string | undefined => {
  if (body._tag !== "Uint8Array" || !/^application\/([\w.-]+\+)?json\b/.test(body.contentType)) return undefined
  const bytes = headers["content-encoding"] === "gzip" ? gunzipSync(body.body) : body.body
  const value = decodeJson(new TextDecoder().decode(bytes))
  return Either.isRight(value) ? JSON.stringify(value.right, null, 2) : undefined
}

const JsonPage = ({ path, text }: { readonly path: string; readonly text: string }) => (
  <Layout title={path} visitor="unknown">
    <h1>{path}</h1>
    <p>
      This address is for programs. They get what stands below as JSON. <a href="/docs">The documentation</a> lists all
      addresses for programs.
    </p>
    <section class="part" aria-label="The answer">
      <pre>{text}</pre>
    </section>
  </Layout>
)

/** Shows a browser a page wherever a program gets JSON outside `/api`: no address shows a person bare JSON. */
export const showJsonAsPage = HttpMiddleware.make((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    wantsPage(request)
      ? Effect.flatMap(app, (response) => {
          const text = jsonOf(response)
          const path = request.url.split("?", 1)[0] ?? ""
          return text === undefined
            ? Effect.succeed(response)
            : answerPage(<JsonPage path={path} text={text} />, { status: response.status })
        })
      : app
  )
)
