import { assert, describe, it } from "@effect/vitest"
import { Ajv } from "ajv"
import { fileJsonSchemas } from "../../../src/domain/catalog/TemplateFile.ts"

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
