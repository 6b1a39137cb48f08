import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"

export const OpenApiDocument = Schema.Struct(
  { openapi: Schema.String },
  { key: Schema.String, value: Schema.Unknown.annotations({ jsonSchema: {} }) }
).annotations({
  identifier: "OpenApiDocument",
  description: "An OpenAPI 3.1 document",
  examples: [{ openapi: "3.1.0" }]
})

/** The text of a page. */
export const PageText = HttpApiSchema.Text({ contentType: "text/html" }).annotations({
  identifier: "Page",
  examples: ["<!doctype html>…"]
})

const cachedPage = "The answer has an ETag; asked again with If-None-Match, an unchanged one is 304."

/** The documentation that the service serves. */
export class DocumentsApi extends HttpApiGroup.make("documents")
  .add(
    HttpApiEndpoint.get("openapi", "/openapi.json")
      .addSuccess(OpenApiDocument)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(OpenApi.annotations({ summary: "This document", description: cachedPage }))
  )
  .add(
    HttpApiEndpoint.get("docs", "/docs")
      .addSuccess(PageText)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(OpenApi.annotations({ summary: "This document as a page to read", description: cachedPage }))
  )
  .add(
    HttpApiEndpoint.get("errors", "/docs/errors")
      .addSuccess(PageText)
      .addSuccess(HttpApiSchema.Empty(304))
      .annotateContext(
        OpenApi.annotations({ summary: "Every error, when it comes and what to do about it", description: cachedPage })
      )
  )
  .annotate(OpenApi.Description, "The documentation that the service serves") {}
