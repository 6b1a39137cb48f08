import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { readYaml } from "../../../src/layers/catalog/Yaml.ts"
import { workOf } from "../../machine.ts"

const read = (text: string) =>
  Either.match(Effect.runSync(Effect.either(readYaml("f", text))), {
    onLeft: ({ lines }) => lines,
    onRight: ({ value }) => value
  })

describe("YAML", () => {
  it("is read as what JSON can say", () => {
    assert.deepStrictEqual(
      read(
        `a: 1\nb: [1.50, 1e3, 0x1F, 0o17, +12, 0.1, 5e-324, 9007199254740991, -3]\nc: {d: null, e: true, f: yes}\n"1": text\n!!str g: !!str 5\n'<<': quoted\nh: 2024-01-01\ni: ~\n`
      ) as never,
      {
        a: 1,
        b: [1.5, 1000, 31, 15, 12, 0.1, 5e-324, 9007199254740991, -3],
        c: { d: null, e: true, f: "yes" },
        "1": "text",
        g: "5",
        "<<": "quoted",
        h: "2024-01-01",
        i: null
      }
    )
  })

  it("is refused where JSON can't say what it says, at the place of it", () => {
    const cases: ReadonlyArray<readonly [text: string, said: RegExp]> = [
      [
        "a: 9007199254740993",
        /^f:1:4: expected a number .*9007199254740993 is none, and would become 9007199254740992/
      ],
      ["a: 6E-578", /^f:1:4: .*would become 0\./],
      ["a: 0.1e-400", /^f:1:4: .*would become 0\./],
      ["a: 1e400", /^f:1:4: .*1e400 is none\./],
      ["a: 1.00000000000000000001", /^f:1:4: .*would become 1\./],
      ["a: -0", /^f:1:4: .*would become 0\./],
      ["a: -0.0", /^f:1:4: /],
      ["a: 007", /^f:1:4: .*007 is none, and would become 7\./],
      ["a: [.inf]", /^f:1:5: /],
      ["a: .NaN", /^f:1:4: /],
      ["a: 0x20000000000001", /^f:1:4: /],
      ["a: 0o400000000000000001", /^f:1:4: /],
      ["a: !secret foo", /^f:1:4: expected a value without this tag.*\(!secret\)$/],
      ["a: !!set {a, b}", /^f:1:4: expected a value without this tag/],
      ["a: !!omap [a: 1]", /^f:1:4: /],
      ["a: !!binary aGk=", /^f:1:4: /],
      ["a: !!timestamp 2024-01-01", /^f:1:4: /],
      ["a: !!int abc", /^f:1:4: /],
      ["1: a\n'1': b", /^f:1:1: expected a key that is text, as "1" with its quotes$/],
      ["true: a", /^f:1:1: expected a key that is text/],
      ["? [a]\n: b", /^f:1:3: expected a key that is text/],
      [": b", /^f:1:\d: expected a key that is text/],
      ["a: 1\na: 2", /^f:2:1: expected each key once; "a" is there already$/],
      ["a: {<<: {b: 1}}", /^f:1:5: expected the keys themselves, not a merge/],
      ["a: {__proto__: {b: 1}}", /^f:1:5: expected another key than __proto__/],
      ["a: &a 1\nb: *a", /^f:2:4: expected the value itself, not the alias \*a$/],
      ["%YAML 1.1\n---\na: yes", /^f:1:1: expected YAML 1\.2, not 1\.1$/],
      ["a: 1\n---\nb: 1", /^f:2:1: expected one document/],
      ["- 1", /^f:1:1: expected a mapping of keys to values$/],
      ["", /^f:1:1: expected a mapping of keys to values$/],
      ["a: [1\n", /^f:2:1: /],
      ["a: b: c", /^f:1:4: expected quotes around a value that holds a colon/],
      ["a:\n\t- b", /^f:2:1: expected blanks for indentation, not tabs$/],
      [`a: "\\q"`, /^f:1:\d: expected an escape that YAML knows/]
    ]
    for (const [text, said] of cases) {
      const found = read(text)
      assert(Array.isArray(found), `${text} was read`)
      assert.match(String(found[0]), said, text)
    }
  })

  it("says nothing in the words of the parser", () => {
    for (const text of [
      "a: 1\n---\nb: 1",
      "a: [1",
      "a: {",
      '"',
      "a: @x",
      "%X\na: b",
      "a: |x\n b",
      "&a &b c",
      "]",
      "a: \u0000"
    ]) {
      const found = read(text)
      assert(Array.isArray(found))
      assert.notMatch(found.join("\n"), /YAML\.parse|implicit|flow|token|Unresolved|Plain value|call stack/i, text)
    }
  })

  it("goes so deep and no deeper, without an end of the stack", () => {
    const nested = (depth: number) => `a: ${"[".repeat(depth)}${"]".repeat(depth)}`
    assert.isFalse(Array.isArray(read(nested(98))))
    for (const deep of [
      nested(101),
      nested(200_000),
      "- ".repeat(100_000),
      "{a: ".repeat(100_000),
      "? ".repeat(100_000)
    ]) {
      assert.match(String(read(deep)), /^f:1:\d+: expected lists and mappings at most 100 deep in each other$/)
    }
  })

  it("tells twenty problems of a file, and how many more there are", () => {
    const found = read(Array.from({ length: 50 }, (_, at) => `a${at}: .inf`).join("\n"))
    assert(Array.isArray(found))
    assert.deepStrictEqual([found.length, found.at(-1)], [21, "f: and 30 problems more"])
  })

  it("takes a large mapping in no more than its time", () => {
    const text = Array.from({ length: 40_000 }, (_, at) => `k${at}: 1`).join("\n")
    assert.isBelow(
      workOf(() => assert.isFalse(Array.isArray(read(text)))),
      10_000
    )
  })
})
