import { Effect } from "effect"
import { fileJsonSchemas } from "../../domain/catalog/TemplateFile.ts"
import { RouteNotFound } from "../../domain/Errors.ts"
import { Api, openApi } from "../Api.ts"
import { cached } from "../Cached.ts"
import { group } from "../Handlers.ts"
import { pageHeaders } from "../pages/AnswerPage.ts"
import type { Document } from "./Document.ts"
import { apiPage, errorsPage } from "./DocumentPages.tsx"
import { FileSchema, OpenApiDocument, PageText } from "./DocumentsApi.ts"

const keepPage = (html: string) => cached(PageText, html, pageHeaders)

const document = cached(OpenApiDocument, { ...openApi })
const docs = keepPage(apiPage(openApi as unknown as Document))
const errors = keepPage(errorsPage())

const schemas = new Map(
  Object.entries(fileJsonSchemas).map(([name, schema]) => [
    `${name}.json`,
    cached(FileSchema, { title: name, ...schema })
  ])
)

/** The document and its pages, each rendered once at start. */
export const DocumentsHttp = group(Api, "documents", {
  openapi: () => Effect.succeed(document),
  docs: () => Effect.succeed(docs),
  errors: () => Effect.succeed(errors),
  schema: ({ path }) => Effect.fromNullable(schemas.get(path.file)).pipe(Effect.mapError(() => new RouteNotFound()))
})
