import { Effect } from "effect"
import type { Template } from "../src/domain/catalog/Template.ts"
import { Slug } from "../src/domain/Ids.ts"
import { TemplateCatalog } from "../src/services/catalog/TemplateCatalog.ts"

/** A template of so many entity types. */
export const templateOf = (slug: string, types: number, description = "One of many"): Template => ({
  slug: Slug.make(slug),
  name: slug,
  description: "A template of entity types",
  publisher: Slug.make(`${slug}-publisher`),
  botPhone: null,
  extensions: {},
  definitions: Array.from({ length: types }, (_, at) => ({
    kind: "entity_types" as const,
    slug: Slug.make(`type-${at}`),
    name: `Type ${at}`,
    description,
    was: [],
    content: { icon: null, color: null, metadata_schema: { type: "object" }, event_kinds: [] },
    references: {},
    extensions: {}
  }))
})

/** Publishes a template. */
export const publish = (template: Template) => Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish(template))

/** Publishes, each time it is run, a revision of a template of entity types in which those rows say something else. */
export const changing = (
  slug: string,
  types: number,
  isChanged: (at: number) => boolean = (at) => at === 0,
  modes?: Template["modes"]
) => {
  const template = templateOf(slug, types)
  let revisions = 0
  return Effect.suspend(() => {
    const description = `Changed ${++revisions} times`
    return publish({
      ...template,
      ...(modes !== undefined && { modes }),
      definitions: template.definitions.map((one, at) => (isChanged(at) ? { ...one, description } : one))
    })
  })
}
