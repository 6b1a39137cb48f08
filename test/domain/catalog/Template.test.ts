import { assert, describe, it } from "@effect/vitest"
import { kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
import {
  definitionsOf,
  differingSiblingIssues,
  foreignSlugIssue,
  PublishRefused,
  privatePublisherIssue,
  referenceField,
  rowsByKind,
  sortChanges,
  takenSlugIssues,
  templateIssues,
  typeOf,
  withdrawnIssue
} from "../../../src/domain/catalog/Template.ts"
import { jsonBytes, templateLimits } from "../../../src/domain/catalog/TemplateLimits.ts"
import { DefinitionSlug, Slug } from "../../../src/domain/Ids.ts"
import { definition, entityTypes, oneOfEach, template } from "../../fixtures/templates.ts"

const nested = (depth: number) => {
  let value: Record<string, unknown> = {}
  for (let at = 1; at < depth; at++) value = { value }
  return value
}
const watching = (slug: string) => ({ references: { watcher_id: DefinitionSlug.make(slug) } })
const was = (...slugs: ReadonlyArray<string>) => ({ was: slugs.map((slug) => DefinitionSlug.make(slug)) })
/** A text that makes a row so many bytes as JSON. */
const filling = (bytes: number, slug = "a") => {
  const empty = JSON.stringify(definition("entity_types", slug, { description: "" })).length
  return definition("entity_types", slug, { description: "x".repeat(bytes - empty) })
}

type Found = ReturnType<typeof templateIssues>

describe("what is wrong within a template", () => {
  const inbox = definition("watchers", "inbox")
  const cases: ReadonlyArray<readonly [of: string, definitions: Parameters<typeof template>[1], issues: Found]> = [
    ["nothing", oneOfEach, []],
    ["no definition at all", [], []],
    [
      "a field that is missing, also one of the version",
      [
        definition("entity_types", "a", { content: { icon: undefined, color: undefined } }),
        definition("watchers", "b", { content: { prompt: undefined } })
      ],
      [
        { where: 'entity "a"', path: [], message: "lacks icon, color", definition: 0 },
        { where: 'watcher "b"', path: [], message: "lacks prompt", definition: 1 }
      ]
    ],
    [
      "two of one slug",
      [definition("entity_types", "a"), definition("watchers", "a"), definition("entity_types", "a")],
      [
        {
          where: 'entity "a"',
          path: ["slug"],
          message: 'another entity has the slug "a" already',
          definition: 2,
          also: 0
        }
      ]
    ],
    [
      "two that continue one",
      [definition("entity_types", "a", was("x", "y", "y")), definition("entity_types", "b", was("z", "y"))],
      [
        {
          where: 'entity "b"',
          path: ["was", 1],
          message: '"y" is what "a" says it was too; only one can continue it',
          definition: 1,
          also: 0
        }
      ]
    ],
    [
      "two of two kinds that had one slug",
      [definition("entity_types", "a", was("x")), definition("watchers", "a", was("x"))],
      []
    ],
    [
      "a reference to nothing, and one that the kind does not have",
      [
        inbox,
        definition("event_classifiers", "topic", watching("inbxo")),
        definition("entity_types", "type", watching("inbox"))
      ],
      [
        {
          where: 'classifier "topic"',
          path: ["watcher"],
          message: 'refers to the watcher "inbxo", which the template does not define; did you mean "inbox"?',
          definition: 1
        },
        {
          where: 'entity "type"',
          path: ["watcher"],
          message: 'refers to the watcher_id "inbox", which the template does not define',
          definition: 2
        }
      ]
    ]
  ]

  for (const [of, definitions, issues] of cases) {
    it(`is named: ${of}`, () => assert.deepStrictEqual(templateIssues(template("t", definitions)), issues))
  }

  it("is a watcher that would never run", () => {
    const [issue, ...more] = templateIssues(
      template("t", [definition("watchers", "w", { content: { schedule: "0 0 31 2 *" } })])
    )
    assert.lengthOf(more, 0)
    assert.deepInclude(issue, { where: 'watcher "w"', path: ["schedule"], definition: 0 })
  })

  it("is a reserved publisher", () => {
    const reserved = template("t", [], { publisher: Slug.make("admin") })
    assert.deepStrictEqual(templateIssues(reserved), [
      { where: "", path: ["publisher"], message: '"admin" is reserved; choose another' }
    ])
  })

  it("is more than is taken, and then nothing else is looked for", () => {
    const only = (definitions: Parameters<typeof template>[1], rest?: Parameters<typeof template>[2]) =>
      templateIssues(template("t", definitions, rest)).map(({ message, path, where }) => [
        where,
        path.join("."),
        message
      ])
    const { depth, rowBytes, rows } = templateLimits
    assert.deepStrictEqual(only(entityTypes(rows)), [])
    assert.deepStrictEqual(only(entityTypes(rows + 1)), [
      ["", "", "has 5001 definitions; 5000 are the most that a template may have"]
    ])
    assert.deepStrictEqual(only([filling(rowBytes)]), [])
    assert.deepStrictEqual(
      only([filling(rowBytes + 1), definition("entity_types", "b", { content: { icon: undefined } })]),
      [['entity "a"', "description", "makes this 257 KiB as JSON; at most 256 KiB are taken"]]
    )
    const large = { metadata_schema: { x: "x".repeat(rowBytes) } }
    assert.deepStrictEqual(only([definition("entity_types", "a", { content: large })]), [
      ['entity "a"', "metadata_schema", "makes this 257 KiB as JSON; at most 256 KiB are taken"]
    ])
    const both = { "x-a": "x".repeat(rowBytes), "x-b": "x".repeat(rowBytes) }
    assert.deepStrictEqual(only([], { extensions: both }), [
      ["", "x-a", "makes this 513 KiB as JSON; at most 256 KiB are taken"]
    ])
    assert.deepStrictEqual(only([], { extensions: { "x-a": "x".repeat(rowBytes) } }), [
      ["", "x-a", "makes this 257 KiB as JSON; at most 256 KiB are taken"]
    ])
    const deep = (levels: number) => definition("entity_types", "a", { content: { metadata_schema: nested(levels) } })
    assert.deepStrictEqual(only([deep(depth)]), [])
    assert.deepStrictEqual(only([deep(depth + 1)]), [
      ['entity "a"', "metadata_schema", "has lists and mappings more than 100 deep in each other"]
    ])
    assert.deepStrictEqual(only([], { extensions: { "x-a": nested(depth + 1) } }), [
      ["", "x-a", "has lists and mappings more than 100 deep in each other"]
    ])
    // Each row is small enough, and all of them are too much.
    const many = Array.from({ length: 21 }, (_, at) => filling(rowBytes, `s-${at}`))
    assert.deepStrictEqual(only(many), [["", "", "takes 5377 KiB as JSON; a template may take at most 5 MiB"]])
    assert.deepStrictEqual(
      only([...many, filling(rowBytes + 1, "large")]).map(([where]) => where),
      ['entity "large"']
    )
    const head = jsonBytes({ ...template("t", []), definitions: undefined })
    assert.deepStrictEqual(only([...many.slice(0, 19), filling(rowBytes - head, "last")]), [])
    assert.lengthOf(only([...many.slice(0, 19), filling(rowBytes - head + 1, "last")]), 1)
    // What is new in it is no part of what is installed.
    assert.deepStrictEqual(only([], { notes: "x".repeat(rowBytes + 1) }), [])
  })
})

describe("what is wrong with a publication", () => {
  const definitions = [definition("entity_types", "a"), definition("watchers", "b")]

  it("is said of the definition that it is about", () => {
    const [taken, unknown] = takenSlugIssues(definitions, [
      { kind: "watchers", slug: "b" },
      { kind: "watchers", slug: "a" }
    ])
    assert.deepInclude(taken, { where: 'watcher "b"', path: ["slug"], definition: 1 })
    assert.include(taken?.message, '"b" is another watcher of the publisher\'s')
    assert.deepInclude(unknown, { where: "", definition: -1 })
    const differing = differingSiblingIssues(definitions, [
      { kind: "entity_types", slug: "a", template: "other" },
      { kind: "entity_types", slug: "b", template: "other" }
    ])
    assert.deepInclude(differing[0], { where: 'entity "a"', path: [], definition: 0 })
    assert.include(
      differing[0]?.message,
      'differs from the entity "a" that the publisher\'s template "other" published'
    )
    assert.deepInclude(differing[1], { where: "", definition: -1 })
  })

  it("is said of the template where it is about that", () => {
    const named = { slug: Slug.make("finance"), publisher: Slug.make("acme") }
    const issues = [privatePublisherIssue(named), foreignSlugIssue(named), withdrawnIssue(named)]
    assert.deepStrictEqual(
      issues.map(({ path, where }) => [where, ...path]),
      [
        ["", "publisher"],
        ["", "slug"],
        ["", "slug"]
      ]
    )
    for (const [at, said] of [
      '"acme" is private',
      '"finance" is a template of another',
      '"finance" was withdrawn'
    ].entries()) {
      assert.include(issues[at]?.message, said)
    }
  })

  it("is told line by line, each with its place", () => {
    const refused = new PublishRefused({
      issues: [
        { where: 'entity "a"', path: ["was", 0], message: "is wrong" },
        { where: "", path: [], message: "is too large" }
      ]
    })
    assert.strictEqual(refused.message, 'entity "a": was.0: is wrong\nis too large')
  })
})

describe("what was published", () => {
  const row = (
    kind: Parameters<typeof typeOf>[0],
    slug: string,
    sourceId: string,
    content: Record<string, unknown> = {}
  ) => ({
    kind,
    slug,
    sourceId,
    was: ["old"],
    content: { name: `Name of ${slug}`, description: "Said", ...content }
  })

  it("is read as the definitions it was made of, by kind and slug", () => {
    const definitions = definitionsOf([
      row("event_classifiers", "topic", "3", { watcher_id: "2", attribute_key: "k", unknown: 1 }),
      row("event_classifiers", "alone", "4", { watcher_id: null, extensions: { "x-a": 1 } }),
      row("watchers", "inbox", "2", { schedule: "0 7 * * *", prompt: "Look" }),
      row("entity_types", "b", "2"),
      row("entity_types", "a", "5")
    ])
    assert.deepStrictEqual(
      definitions.map(({ kind, slug }) => `${kind} ${slug}`),
      ["entity_types a", "entity_types b", "watchers inbox", "event_classifiers alone", "event_classifiers topic"]
    )
    const [, , watcher, alone, topic] = definitions
    assert.deepInclude(watcher, {
      name: "Name of inbox",
      description: "Said",
      was: [DefinitionSlug.make("old")],
      references: {},
      extensions: {}
    })
    assert.deepStrictEqual(watcher?.content, {
      schedule: "0 7 * * *",
      sources: null,
      prompt: "Look",
      extraction_schema: null,
      reactions_guidance: null
    })
    assert.deepInclude(topic, { ...watching("inbox"), extensions: {} })
    assert.deepStrictEqual(topic?.content, {
      attribute_key: "k",
      attribute_values: null,
      min_similarity: null,
      fallback_value: null
    })
    assert.deepInclude(alone, { references: {}, extensions: { "x-a": 1 } })
  })

  it("is listed by kind, and by slug", () => {
    const listed = (kind: Parameters<typeof typeOf>[0], slug: string) => ({ kind, slug, name: slug, description: "" })
    const { watchers, ...others } = rowsByKind([
      listed("watchers", "b"),
      listed("watchers", "a"),
      listed("entity_types", "c")
    ])
    assert.deepStrictEqual(
      watchers.map((one) => Object.values(one)),
      [
        ["a", "a", ""],
        ["b", "b", ""]
      ]
    )
    assert.deepStrictEqual(
      Object.values(others).map(({ length }) => length),
      [1, 0, 0]
    )
  })

  it("is listed by kind and by slug, where it changed", () => {
    const changed = (kind: Parameters<typeof typeOf>[0], slug: string) =>
      ({ kind, slug, change: "added", was: null, fields: [] }) as const
    const sorted = [
      changed("entity_types", "b"),
      changed("entity_types", "c"),
      changed("watchers", "a"),
      changed("event_classifiers", "a")
    ]
    assert.deepStrictEqual(sortChanges(sorted.toReversed()), sorted)
  })

  it("is called as its files call it", () => {
    assert.deepStrictEqual(
      kindDescriptions.map(({ kind }) => typeOf(kind)),
      ["entity", "relationship", "watcher", "classifier"]
    )
    assert.strictEqual(typeOf("goals" as Parameters<typeof typeOf>[0]), "goals")
    assert.deepStrictEqual(["watcher_id", "watcher", "a_id_of"].map(referenceField), ["watcher", "watcher", "a_id_of"])
  })
})
