import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { RouteNotFound } from "../../domain/Errors.ts"
import { inPath } from "../Contract.ts"
import { problem } from "../Problem.ts"

export const OpenApiDocument = Schema.Struct(
  { openapi: Schema.String },
  { key: Schema.String, value: Schema.Unknown.annotations({ jsonSchema: {} }) }
).annotations({
  identifier: "OpenApiDocument",
  description: "An OpenAPI 3.1 document.",
  examples: [{ openapi: "3.1.0" }]
})

/** The text of a page. */
export const PageText = HttpApiSchema.Text({ contentType: "text/html" }).annotations({
  identifier: "Page",
  description: "A page to read in a browser.",
  examples: ["<!doctype html>…"]
})

/** A JSON Schema of a file of a template. */
export const FileSchema = Schema.Struct(
  { title: Schema.String },
  { key: Schema.String, value: Schema.Unknown.annotations({ jsonSchema: {} }) }
).annotations({
  identifier: "FileSchema",
  description: "A JSON Schema, draft-07.",
  examples: [{ title: "template.yaml", type: "object" }]
})

const cachedPage = "The answer has an ETag; asked again with If-None-Match, an unchanged one is 304."

/** The documentation that the service serves. */
export class DocumentsApi extends HttpApiGroup.make("documents")
  .add(
    HttpApiEndpoint.get("openapi", "/openapi.json")
      .addSuccess(OpenApiDocument)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(
        OpenApi.annotations({ identifier: "getOpenApi", summary: "This document", description: cachedPage })
      )
  )
  .add(
    HttpApiEndpoint.get("docs", "/docs")
      .addSuccess(PageText)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getDocsPage",
          summary: "The index of this document, to read and to search",
          description: cachedPage
        })
      )
  )
  .add(
    HttpApiEndpoint.get("subject", "/docs/:subject")
      .setPath(Schema.Struct({ subject: inPath.subject }))
      .addSuccess(PageText)
      .addSuccess(HttpApiSchema.Empty(304))
      .addError(problem(RouteNotFound))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getSubjectPage",
          summary: "The operations of one subject, to read and to try",
          description: cachedPage
        })
      )
  )
  .add(
    HttpApiEndpoint.get("errors", "/docs/errors")
      .addSuccess(PageText)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getErrorsPage",
          summary: "Every error, when it comes and what to do about it",
          description: cachedPage
        })
      )
  )
  .add(
    HttpApiEndpoint.get("schema", "/schemas/:file")
      .setPath(Schema.Struct({ file: inPath.schema }))
      .addSuccess(FileSchema)
      .addSuccess(HttpApiSchema.Empty(304))
      .addError(problem(RouteNotFound))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getFileSchema",
          summary: "What a file of a template may say, as a JSON Schema",
          description: `For editors, which a file names it to: template.json, entity.json, relationship.json, watcher.json, classifier.json. ${cachedPage}`
        })
      )
  )
  .annotate(OpenApi.Description, "The documentation that the service serves") {}
