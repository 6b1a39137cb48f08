import { Schema } from "effect"

/**
 * One problem of a template. `where` says what it is about: a definition in words, or the place in its file; empty where it is what
 * the template says of itself. `path` leads to the place in it, as the files call the fields. `definition` and `also` are numbers
 * in the list of definitions: the one that is wrong, and another that it is wrong with.
 */
export const TemplateIssue = Schema.Struct({
  where: Schema.String,
  path: Schema.Array(Schema.Union(Schema.String, Schema.Number)),
  message: Schema.String,
  definition: Schema.optionalWith(Schema.Int, { exact: true }),
  also: Schema.optionalWith(Schema.Int, { exact: true })
})
export type TemplateIssue = typeof TemplateIssue.Type
