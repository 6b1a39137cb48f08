import { assert, describe, it } from "@effect/vitest"
import { Ajv } from "ajv"
import { Schema } from "effect"
import { fileJsonSchemas, fileSchemas } from "../../../src/domain/catalog/TemplateFile.ts"

const ajv = new Ajv({ strict: false, allErrors: true, logger: false })

const problems = (name: string, content: unknown) => {
  const check = ajv.compile(fileJsonSchemas[name] ?? assert.fail(name))
  check(content)
  return (check.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, params.additionalProperty ?? params.missingProperty ?? message].join(" ").trim()
  )
}

const common = { version: 1, slug: "due-invoices", name: "Due invoices" }

describe("the JSON Schemas of a template's files", () => {
  it("are one for each file, and know what each may say", () => {
    assert.sameMembers(Object.keys(fileJsonSchemas), ["template", "entity", "relationship", "watcher", "classifier"])
    const right: ReadonlyArray<readonly [string, object]> = [
      [
        "template",
        { ...common, description: "Two\nlines", publisher: "acme", install: ["reference", "copy"], notes: "New" }
      ],
      ["entity", { ...common, type: "entity", was: ["old_one"], "x-own": [1], metadata_schema: { type: "object" } }],
      ["relationship", { ...common, type: "relationship", is_symmetric: true, $schema: "relationship.json" }],
      ["watcher", { ...common, type: "watcher", schedule: "0 7 * * *", prompt: "Look", extraction_schema: {} }],
      ["classifier", { ...common, type: "classifier", attribute_key: "a", attribute_values: ["x"], watcher: "inbox" }]
    ]
    for (const [name, content] of right) assert.deepStrictEqual(problems(name, content), [], name)
  })

  it("find what is misspelt, missing or of another type", () => {
    assert.deepStrictEqual(problems("entity", { ...common, type: "entity", naem: "x" }), ["naem"])
    assert.includeMembers(problems("watcher", { ...common, type: "watcher" }), [
      "schedule",
      "prompt",
      "extraction_schema"
    ])
    assert.isNotEmpty(problems("entity", { ...common, type: "watcher" }))
    assert.isNotEmpty(problems("template", { ...common, version: 2 }))
    assert.isNotEmpty(problems("template", { ...common, slug: "No Slug" }))
    assert.isNotEmpty(problems("template", { ...common, install: "both" }))
  })
})

describe("a file of a template", () => {
  const {
    classifier: Classifier,
    entity: Entity,
    relationship: Relationship,
    template: Template,
    watcher: Watcher
  } = fileSchemas
  const decoded = <A, I>(schema: Schema.Schema<A, I>, content: object): unknown =>
    Schema.decodeUnknownSync(schema)(content)
  const reading =
    <A, I>(schema: Schema.Schema<A, I>, content: object) =>
    () =>
      decoded(schema, content)
  const head = { ...common, description: "" }
  const watcher = { ...common, type: "watcher", schedule: "0 7 * * *", prompt: "Look", extraction_schema: {} }
  const classifier = { ...common, type: "classifier", attribute_key: "a", attribute_values: [] }

  it("need not say what is usual", () => {
    assert.deepStrictEqual(decoded(Template, common), { ...head, bot_phone: null })
    const entity = { ...head, type: "entity", was: [], icon: null, color: null, metadata_schema: {}, event_kinds: [] }
    assert.deepStrictEqual(decoded(Entity, { ...common, type: "entity" }), entity)
    const relationship = { ...head, type: "relationship", was: [], metadata_schema: {}, is_symmetric: false }
    assert.deepStrictEqual(decoded(Relationship, { ...common, type: "relationship" }), relationship)
    assert.deepStrictEqual(decoded(Watcher, watcher), {
      ...{ ...head, ...watcher },
      ...{ was: [], sources: [], reactions_guidance: null }
    })
    assert.deepStrictEqual(decoded(Classifier, classifier), {
      ...{ ...head, ...classifier },
      ...{ was: [], min_similarity: null, fallback_value: null }
    })
  })

  it("is told what it should say instead", () => {
    assert.throws(reading(Template, { ...common, version: 2 }), /expected version: 1$/m)
    assert.throws(reading(Template, { ...common, install: "both" }), /expected copy, reference, or a list of both$/m)
    assert.throws(reading(Classifier, { ...classifier, attribute_values: "a" }), /expected a list or a mapping$/m)
    assert.throws(reading(Watcher, { ...watcher, schedule: "0 7 * * 8" }), /day of the week: 8 is not from 0 to 7$/m)
  })
})
