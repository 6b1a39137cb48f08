import { Effect } from "effect"
import { fileJsonSchemas } from "../../domain/catalog/TemplateFile.ts"
import { RouteNotFound } from "../../domain/Errors.ts"
import { Api, openApi } from "../Api.ts"
import { type Cached, cached } from "../Cached.ts"
import { group } from "../Handlers.ts"
import { pageHeaders } from "../pages/AnswerPage.ts"
import { ServerConfig } from "../ServerConfig.ts"
import type { Document } from "./Document.ts"
import { apiPage, errorsPage, subjectPage, subjectsOf } from "./DocumentPages.tsx"
import { FileSchema, OpenApiDocument, PageText } from "./DocumentsApi.ts"

const keepPage = (html: string) => cached(PageText, html, pageHeaders)

const reference = openApi as unknown as Document
const document = cached(OpenApiDocument, { ...openApi })
const docs = keepPage(apiPage(reference))
const errors = keepPage(errorsPage())

const subjects = new Set(subjectsOf(reference).map(({ name }) => name))
const kept = new Map<string, Cached<string>>()

/** The page of a subject, made when it is asked for first, since it names the address of the service. */
const pageOf = (subject: string, origin: string) => {
  const name = `${origin} ${subject}`
  const page = kept.get(name) ?? keepPage(subjectPage(reference, subject, origin) ?? "")
  kept.set(name, page)
  return page
}

const schemas = new Map(
  Object.entries(fileJsonSchemas).map(([name, schema]) => [
    `${name}.json`,
    cached(FileSchema, { title: name, ...schema })
  ])
)

/** The document and its pages, each rendered once. */
export const DocumentsHttp = group(Api, "documents", {
  openapi: () => Effect.succeed(document),
  docs: () => Effect.succeed(docs),
  subject: ({ path: { subject } }) =>
    subjects.has(subject)
      ? Effect.map(ServerConfig, ({ ownOrigins: [origin = ""] }) => pageOf(subject, origin))
      : new RouteNotFound(),
  errors: () => Effect.succeed(errors),
  schema: ({ path }) => Effect.fromNullable(schemas.get(path.file)).pipe(Effect.mapError(() => new RouteNotFound()))
})
