import { Context, type Effect } from "effect"
import type { PublishRefused, Template, TemplateDocuments } from "../../domain/catalog/Template.ts"
import type { TemplateIssue } from "../../domain/catalog/TemplateIssue.ts"

/** Templates as what their files say. */
export class TemplateReader extends Context.Tag("agent-install/TemplateReader")<
  TemplateReader,
  {
    /** Reads and checks what the files of a template say. Fails with every problem there is, each with its definition and path. */
    readonly read: (documents: TemplateDocuments) => Effect.Effect<Template, PublishRefused>
    /** What is wrong with those of the fields of a definition that hold a JSON Schema; empty if nothing is. */
    readonly schemaProblems: (fields: Readonly<Record<string, unknown>>) => Effect.Effect<ReadonlyArray<TemplateIssue>>
    /** What the files of a template say. Reading that gives the same template. */
    readonly write: (template: Template) => Effect.Effect<TemplateDocuments>
  }
>() {}
