import { HttpApiBuilder } from "@effect/platform"
import { Effect } from "effect"
import { Api, openApi } from "../Api.ts"
import { answerKept, keep } from "../Cached.ts"
import type { Document } from "./Document.ts"
import { apiPage, errorsPage, type Page } from "./Pages.ts"

const keepPage = ({ html, policy }: Page) => keep(html, "text/html", { "content-security-policy": policy })

const document = keep(JSON.stringify(openApi), "application/json")
const docs = keepPage(apiPage(openApi as unknown as Document))
const errors = keepPage(errorsPage())

/** The document and its pages, each made once, when the program starts. */
export const DocumentsHttp = HttpApiBuilder.group(Api, "documents", (handlers) =>
  handlers
    .handleRaw("openapi", ({ request }) => Effect.succeed(answerKept(request, document)))
    .handleRaw("docs", ({ request }) => Effect.succeed(answerKept(request, docs)))
    .handleRaw("errors", ({ request }) => Effect.succeed(answerKept(request, errors)))
)
