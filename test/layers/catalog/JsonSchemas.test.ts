import { assert, describe, it } from "@effect/vitest"
import { jsonSchemaCheck } from "../../../src/layers/catalog/JsonSchemas.ts"

const draft7 = "http://json-schema.org/draft-07/schema#"
const said = (schema: Record<string, unknown>) =>
  jsonSchemaCheck()(schema).map(({ message, path }) => `${path.join("/")}: ${message}`)

describe("a check of JSON Schemas", () => {
  it("takes what is right, however it is written", () => {
    const fine: ReadonlyArray<Record<string, unknown>> = [
      {},
      { type: ["string", "null"] },
      { if: { properties: { a: { const: 1 } } }, else: { required: ["b"] } },
      { anyOf: [{ required: ["a"] }, { required: ["b"] }] },
      { prefixItems: [{ type: "string" }] },
      { type: "string", format: "idn-email" },
      { "x-order": 1, properties: { a: { "x-widget": "area", type: "string" } } },
      { $defs: { a: { items: { $ref: "#/$defs/b" } }, b: { not: { $ref: "#/$defs/a" } } }, $ref: "#/$defs/a" },
      { $ref: "#" },
      { $defs: { b: { $anchor: "here" } }, properties: { a: { $ref: "#here" } } },
      { $id: "https://example.org/a", properties: { a: { $ref: "https://example.org/a" } } },
      { $schema: draft7, definitions: { a: {} }, items: [{ $ref: "#/definitions/a" }] },
      { properties: { "a/b": { pattern: "^\\p{L}+$" } } }
    ]
    const check = jsonSchemaCheck()
    for (const schema of [...fine, ...fine.map((one) => ({ ...one, title: "again" }))]) {
      assert.deepStrictEqual(check(schema), [], JSON.stringify(schema))
    }
  })

  it("says where a schema is wrong, and why", () => {
    const cases: ReadonlyArray<readonly [schema: Record<string, unknown>, said: RegExp]> = [
      [{ type: "strin" }, /^type: expected a JSON Schema: must be one of .*did you mean "string"\?/],
      [{ properties: { a: { pattern: "[" } } }, /^properties\/a\/pattern: .*no regular expression \(Unterminated/],
      [{ patternProperties: { "(": {} } }, /^patternProperties\/\(: .*no regular expression \(Unterminated/],
      [{ $schema: draft7, items: { pattern: "a{2,1}" } }, /^items\/pattern: .*no regular expression/],
      [{ properties: { a: 3 } }, /^properties\/a: expected a JSON Schema: must be object,boolean$/],
      [{ allOf: [{ requird: ["a"] }] }, /^allOf\/0\/requird: .*did you mean "required"\?$/],
      [{ widget: 1 }, /^widget: "widget" is no keyword of JSON Schema; one of your own begins with x-/],
      [{ properties: { a: { format: "date-tme" } } }, /^properties\/a\/format: .*did you mean "date-time"\?$/],
      [{ "x-ä": 1 }, /^x-ä: "x-ä" is no keyword/],
      [{ format: "phone" }, /^format: "phone" is no format of JSON Schema; say it by pattern/],
      [
        { $defs: { address: {} }, properties: { a: { $ref: "#/$defs/adress" } } },
        /^properties\/a\/\$ref: .*"#\/\$defs\/address"\?$/
      ],
      [{ $defs: { a: { $ref: "#/$defs/nowhere" } } }, /^\$defs\/a\/\$ref: "#\/\$defs\/nowhere" leads to nothing$/],
      [{ $defs: { a: { $ref: "#/$defs/a" } } }, /too entangled/],
      [{ $defs: { "a b/%ä": { $ref: "#/nowhere" } } }, /^\$defs\/a b\/%ä\/\$ref: "#\/nowhere" leads to nothing$/],
      [{ toString: 1 }, /^toString: "toString" is no keyword of JSON Schema/],
      [{ $ref: "https://example.org/other" }, /^\$ref: .*leads to nothing; nothing is fetched from elsewhere/],
      [
        { properties: { a: { if: {} } } },
        /^properties\/a\/if: can't be compiled: "if" without "then" and "else" is ignored$/
      ],
      [{ $schema: "https://json-schema.org/draft/2019-09/schema" }, /^\$schema: expected \$schema to be/]
    ]
    for (const [schema, pattern] of cases) {
      const found = said(schema)
      assert.strictEqual(found.length, 1, found.join("\n"))
      assert.match(found[0] ?? "", pattern)
    }
  })

  it("tells every keyword that is wrong, not the first alone", () => {
    assert.strictEqual(said({ requird: [], properties: { a: { minimun: 1 }, b: { format: "dat" } } }).length, 3)
  })

  it("tells twenty problems of a schema, and how many more there are", () => {
    const properties = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`a${at}`, { typ: "string" }]))
    const found = said({ properties })
    assert.deepStrictEqual([found.length, found.at(-1)], [21, ": and 30 problems more"])
  })

  it("does not take the ids of one schema for those of another", () => {
    const check = jsonSchemaCheck()
    const id = "https://example.org/inner"
    assert.deepStrictEqual(check({ $defs: { a: { $id: id } }, $ref: id }), [])
    assert.strictEqual(check({ $ref: id }).length, 1)
    assert.deepStrictEqual(check({ $defs: { a: { $anchor: "b" } }, $ref: "#b" }), [])
    assert.strictEqual(check({ $ref: "#b" }).length, 1)
  })

  it("has an end with schemas that would take for ever", () => {
    const names = Array.from({ length: 1_900 }, (_, at) => `d${at}`)
    const entangled = {
      $ref: "#/$defs/d0",
      $defs: Object.fromEntries(
        names.map((name, at) => [name, { allOf: [{ $ref: `#/$defs/${names[(at + 1) % names.length]}` }] }])
      )
    }
    assert.match(said(entangled).join(), /holds \d+ schemas; 2000 are the most/)
    const chain = Object.fromEntries(
      names.slice(0, 990).map((name, at) => [name, { allOf: [{ $ref: `#/$defs/${names[(at + 1) % 990]}` }] }])
    )
    assert.match(said({ $ref: "#/$defs/d0", $defs: chain }).join(), /^$|too large or too entangled/)
    let deep: Record<string, unknown> = {}
    for (let at = 0; at < 20_000; at++) deep = { not: deep }
    assert.match(said(deep).join(), /more than 100 deep/)
  })
})
