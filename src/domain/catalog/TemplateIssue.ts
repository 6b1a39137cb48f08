import { Schema } from "effect"

/**
 * One problem of a template. `where` says what it is about: a definition in words, or its place in a file; empty if it
 * is about the template as a whole. `path` is the place in it, by the field names of the files. `definition` and `also`
 * are indexes in the list of definitions: the wrong one, and another that it conflicts with.
 */
export const TemplateIssue = Schema.Struct({
  where: Schema.String,
  path: Schema.Array(Schema.Union(Schema.String, Schema.Number)),
  message: Schema.String,
  definition: Schema.optionalWith(Schema.Int, { exact: true }),
  also: Schema.optionalWith(Schema.Int, { exact: true })
})
export type TemplateIssue = typeof TemplateIssue.Type
