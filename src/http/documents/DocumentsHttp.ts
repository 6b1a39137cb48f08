import { Effect } from "effect"
import { Api, openApi } from "../Api.ts"
import { cached } from "../Cached.ts"
import { group } from "../Handlers.ts"
import { pageHeaders } from "../pages/AnswerPage.ts"
import type { Document } from "./Document.ts"
import { apiPage, errorsPage } from "./DocumentPages.tsx"
import { OpenApiDocument, PageText } from "./DocumentsApi.ts"

const keepPage = (html: string) => cached(PageText, html, pageHeaders)

const document = cached(OpenApiDocument, { ...openApi })
const docs = keepPage(apiPage(openApi as unknown as Document))
const errors = keepPage(errorsPage())

/** The document and its pages, each rendered once at start. */
export const DocumentsHttp = group(Api, "documents", {
  openapi: () => Effect.succeed(document),
  docs: () => Effect.succeed(docs),
  errors: () => Effect.succeed(errors)
})
