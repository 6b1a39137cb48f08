import { execFileSync } from "node:child_process"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { NodeContext } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
import { definitionIssue, foreignSlugIssue, PublishRefused } from "../../../src/domain/catalog/Template.ts"
import { templateLimits } from "../../../src/domain/catalog/TemplateLimits.ts"
import { readTemplate } from "../../../src/layers/catalog/TemplateFiles.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))

const folder = (files: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const made = await mkdtemp(join(tmpdir(), "template-"))
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(made, name)), { recursive: true })
        await writeFile(join(made, name), text)
      }
      return made
    }),
    (made) => Effect.promise(() => rm(made, { recursive: true }))
  )

const head = "version: 1\nslug: helper\nname: Helper\n"
const entity = "version: 1\ntype: entity\nslug: invoice\nname: Invoice\n"

/** What is wrong with a folder, without the folder's own name. */
const issues = (files: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const made = yield* folder({ "template.yaml": head, ...files })
    const refusal = yield* Effect.flip(readTemplate(made))
    return refusal.lines.map((line) => line.replaceAll(`${made}/`, ""))
  })

layer(NodeContext.layer)("readTemplate", (it) => {
  it.effect("reads the bundled template: enough of each kind, all of it right", () =>
    Effect.gen(function* () {
      const { template } = yield* readTemplate(join(root, "templates/personal-finance"))
      const counts = kindDescriptions.map(
        ({ kind }) => template.definitions.filter((definition) => definition.kind === kind).length
      )
      const [types = 0, relationships = 0, ...rest] = counts
      assert.isAtLeast(types, 18)
      assert.isAtLeast(relationships, 20)
      assert.deepStrictEqual(rest, [2, 2])
      assert.strictEqual(template.definitions.filter(({ references }) => "watcher_id" in references).length, 1)
      for (const { content, kind } of template.definitions) {
        if (kind === "entity_types") assert.property(content.metadata_schema, "properties")
      }
    })
  )

  it.scoped("reads how a template may be installed", () =>
    Effect.gen(function* () {
      const modesOf = (said: string) =>
        Effect.gen(function* () {
          const made = yield* folder({ "template.yaml": `${head}${said}`, "models/a.yaml": entity })
          return (yield* readTemplate(made)).template.modes
        })
      assert.isUndefined(yield* modesOf(""))
      assert.deepStrictEqual(yield* modesOf("install: reference\n"), ["reference"])
      assert.deepStrictEqual(yield* modesOf("install: [reference, copy]\n"), ["reference", "copy"])
      for (const said of ["install: link\n", "install: []\n"]) {
        const wrong = yield* issues({ "template.yaml": `${head}${said}`, "models/a.yaml": entity })
        assert.deepStrictEqual(wrong, ["template.yaml:4:10: install: expected copy, reference, or a list of both"])
      }
    })
  )

  it.scoped("takes what is not said as its default, and keeps x- keys as they are", () =>
    Effect.gen(function* () {
      const made = yield* folder({
        "template.yaml": `${head}x-owner: { team: tax }\n`,
        "models/invoice.yaml": `${entity}x-note: [1, two]\n`
      })
      const { definitions, extensions, publisher } = (yield* readTemplate(made)).template
      assert.deepStrictEqual([publisher as string, extensions], ["helper", { "x-owner": { team: "tax" } }])
      assert.deepStrictEqual({ ...definitions[0] }, {
        kind: "entity_types",
        slug: "invoice",
        name: "Invoice",
        description: "",
        was: [],
        content: { icon: null, color: null, metadata_schema: {}, event_kinds: [] },
        references: {},
        extensions: { "x-note": [1, "two"] }
      } as never)
    })
  )

  it.scoped("names the file, the place and what was expected, for every problem at once", () =>
    Effect.gen(function* () {
      const found = yield* issues({
        "template.yaml": "version: 2\nname: Helper\nslug: Not a slug\n",
        "models/a.yaml": `${entity}colour: red\n`,
        "models/b.yaml":
          "version: 1\ntype: watcher\nslug: w\nname: W\nschedule: whenever\nprompt: ''\nextraction_schema: {}\n",
        "models/c.yaml": "a: [1\n",
        "models/d.yaml": "- 1\n",
        "models/e.yaml": `${entity}metadata_schema: { type: nonsense }\n`,
        "models/f.yaml": "version: 1\ntype: relationship\nname: No slug\n",
        "models/g.yaml": "version: 1\ntype: entitiy\nslug: g\nname: G\n",
        "models/notes.txt": "not a definition"
      })
      const expected = [
        /^template.yaml:1:10: version: expected version: 1$/,
        /^template.yaml:3:7: slug: must be lower-case/,
        /^models\/a.yaml:5:1: colour: unknown key; did you mean "color"\?$/,
        /^models\/b.yaml:5:11: schedule: has 1 field; write five/,
        /^models\/b.yaml:6:9: prompt: must have 1 to/,
        /^models\/c.yaml:\d+:\d+: /,
        /^models\/d.yaml:1:1: expected a mapping/,
        /^models\/e.yaml:5:20: metadata_schema.type: expected a JSON Schema: must be one of array/,
        /^models\/f.yaml:1:1: slug: is missing/,
        /^models\/g.yaml:2:7: type: expected entity, relationship, watcher or classifier; did you mean "entity"\?$/,
        /^models\/notes.txt: expected only files that end in .yaml or .yml$/
      ]
      for (const pattern of expected)
        assert.isTrue(
          found.some((issue) => pattern.test(issue)),
          `${pattern}\n${found.join("\n")}`
        )
      assert.strictEqual(found.length, expected.length, found.join("\n"))
    })
  )

  it.scoped("refuses text the database could not hold, and references to nothing", () =>
    Effect.gen(function* () {
      assert.match(
        (yield* issues({ "models/a.yaml": `${entity}description: "a\\0b"\n` })).join(),
        /models\/a.yaml:5:14: description: expected text without NUL/
      )
      const dangling =
        "version: 1\ntype: classifier\nslug: topic\nname: Topic\nattribute_key: topic\nattribute_values: [a]\nwatcher: nowhere\n"
      assert.deepStrictEqual(yield* issues({ "models/topic.yaml": dangling }), [
        'models/topic.yaml:7:10: watcher: refers to the watcher "nowhere", which the template does not define'
      ])
    })
  )

  it.scoped("tells the place of what is wrong between files, in the words of the files", () =>
    Effect.gen(function* () {
      const watcher = (slug: string, more = "") =>
        `version: 1\ntype: watcher\nslug: ${slug}\nname: W\nschedule: 0 7 * * 1\nprompt: Look\nextraction_schema: {}\n${more}`
      const classifier = (watcher: string) =>
        `version: 1\ntype: classifier\nslug: topic\nname: T\nattribute_key: t\nattribute_values: []\nwatcher: ${watcher}\n`
      assert.deepStrictEqual(
        yield* issues({
          "models/a.yaml": watcher("in_box", "was: [old]\n"),
          "models/b.yaml": watcher("in-box", "was:\n  - older\n  - old\n"),
          "models/c.yml": watcher("in-box"),
          "models/d.yaml": classifier("inbox")
        }),
        [
          'models/b.yaml:10:5: was.1: "old" is what "in_box" says it was too; only one can continue it (the other is at models/a.yaml:3:7)',
          'models/c.yml:3:7: slug: another watcher has the slug "in-box" already (the other is at models/b.yaml:3:7)',
          'models/d.yaml:7:10: watcher: refers to the watcher "inbox", which the template does not define; did you mean "in_box"?'
        ]
      )
      assert.deepStrictEqual(yield* issues({ "template.yaml": `${head}publisher: api\n`, "models/a.yaml": entity }), [
        'template.yaml:4:12: publisher: "api" is reserved; choose another'
      ])
    })
  )

  it.scoped("places what others refuse of a template in its files", () =>
    Effect.gen(function* () {
      const made = yield* folder({ "template.yaml": head, "models/a.yaml": `${entity}was: [bill]\n` })
      const { locate, template } = yield* readTemplate(made)
      const refusal = new PublishRefused({
        issues: [
          definitionIssue(template.definitions, 0, ["was", 0], "was never there"),
          definitionIssue(template.definitions, 0, [], "differs"),
          foreignSlugIssue(template)
        ]
      })
      assert.strictEqual(refusal.lines[0], 'entity "invoice": was.0: was never there')
      assert.deepStrictEqual(
        locate(refusal).lines.map((line) => line.replaceAll(`${made}/`, "").split(": ")[0]),
        ["models/a.yaml:5:7", "models/a.yaml:3:7", "template.yaml:2:7"]
      )
    })
  )

  it.scoped("takes slugs with underscores, and references to them", () =>
    Effect.gen(function* () {
      const made = yield* folder({
        "template.yaml": head,
        "models/a.yaml": "version: 1\ntype: relationship\nslug: works_at\nname: Works at\nwas: [employed_by]\n",
        "models/b.yaml": "version: 1\ntype: relationship\nslug: works-at\nname: Works at\n"
      })
      const { template } = yield* readTemplate(made)
      assert.deepStrictEqual(
        template.definitions.map(({ slug, was }) => [slug, was]),
        [
          ["works_at", ["employed_by"]],
          ["works-at", []]
        ] as never
      )
      for (const slug of ["_a", "a_", "a__b", "a-_b", "A_b"]) {
        const [found = ""] = yield* issues({ "models/a.yaml": entity.replace("invoice", slug) })
        assert.match(
          found,
          /^models\/a.yaml:3:7: slug: must be lower-case letters, digits and single hyphens or underscores/
        )
      }
      assert.match(
        (yield* issues({ "template.yaml": head.replace("helper", "a_helper"), "models/a.yaml": entity })).join(),
        /^template.yaml:2:7: slug: must/
      )
    })
  )

  it.scoped("takes .yml for .yaml, but not both of template.yaml", () =>
    Effect.gen(function* () {
      const made = yield* folder({ "template.yml": head, "models/a.yml": entity })
      assert.strictEqual((yield* readTemplate(made)).template.definitions.length, 1)
      assert.deepStrictEqual(yield* issues({ "template.yml": head, "models/a.yml": entity }), [
        "template.yml: template.yaml is there too; keep one of the two"
      ])
    })
  )

  it.scoped("says what of a folder is not there, and what was probably meant", () =>
    Effect.gen(function* () {
      const made = yield* folder({ "templates.yaml": head, "model/a.yaml": entity })
      const { lines } = yield* Effect.flip(readTemplate(made))
      assert.deepStrictEqual(
        lines.map((line) => line.replace(`${made}/`, "")),
        [
          'template.yaml: is not there: it says what the template is called; did you mean "templates.yaml"?',
          'models: is not there: it has the definitions, one a file; did you mean "model"?'
        ]
      )
    })
  )

  it.scoped("refuses names that break lines or turn the text beside them, and tells which character does", () =>
    Effect.gen(function* () {
      const named = (name: string) => issues({ "models/a.yaml": entity.replace("name: Invoice", `name: ${name}`) })
      assert.deepStrictEqual(yield* named(String.raw`"In\nvoice"`), [
        "models/a.yaml:4:7: name: must hold no line break (U+000A is its character 3)"
      ])
      assert.match((yield* named(String.raw`"In\u202Evoice"`)).join(), /turns the direction of the text \(U\+202E/)
      const described = (description: string) => issues({ "models/a.yaml": `${entity}description: ${description}\n` })
      assert.match(
        (yield* described(String.raw`"a\tb\nc\x07"`)).join(),
        /^models\/a.yaml:5:14: description: must hold no control character \(U\+0007 is its character 6\)$/
      )
    })
  )

  it.scoped("refuses a wrong JSON Schema at the keyword that is wrong", () =>
    Effect.gen(function* () {
      const schema = `metadata_schema:\n  properties:\n    code:\n      type: string\n      pattern: "["\n    other:\n      $ref: "#/$defs/nowhere"\n  requird: [code]\n`
      assert.deepStrictEqual(yield* issues({ "models/a.yaml": `${entity}${schema}icno: a\n` }), [
        'models/a.yaml:13:1: icno: unknown key; did you mean "icon"?',
        'models/a.yaml:12:3: metadata_schema.requird: "requird" is no keyword of JSON Schema; did you mean "required"?',
        "models/a.yaml:9:7: metadata_schema.properties.code.pattern: is no regular expression (Unterminated character class)"
      ])
      const nowhere = `metadata_schema:\n  properties:\n    other:\n      $ref: "#/$defs/nowhere"\n`
      assert.deepStrictEqual(yield* issues({ "models/a.yaml": entity + nowhere }), [
        'models/a.yaml:8:7: metadata_schema.properties.other.$ref: "#/$defs/nowhere" leads to nothing'
      ])
    })
  )

  it.scoped("states how large a template may be, before it reads what is larger", () =>
    Effect.gen(function* () {
      const { fileBytes, rowBytes } = templateLimits
      const large = (bytes: number) => `${entity}x-note: "${"x".repeat(bytes)}"\n`
      assert.deepStrictEqual(yield* issues({ "models/a.yaml": large(fileBytes) }), [
        "models/a.yaml: is larger than 1 MiB, the most that a file may have"
      ])
      assert.deepStrictEqual(yield* issues({ "models/a.yaml": large(rowBytes) }), [
        "models/a.yaml:5:9: x-note: makes this 257 KiB as JSON; at most 256 KiB are taken"
      ])
      const rows = Object.fromEntries(
        Array.from({ length: 22 }, (_, at) => [
          `models/${at}.yaml`,
          large(rowBytes - 1_000).replace("invoice", `invoice-${at}`)
        ])
      )
      assert.deepStrictEqual(yield* issues(rows), [
        "template.yaml:1:1: takes 5615 KiB as JSON; a template may take at most 5 MiB"
      ])
    })
  )

  it.scoped("refuses aliases, which can make a small file endless", () =>
    Effect.gen(function* () {
      const bomb = [
        "a: &a [x, x]",
        ...Array.from({ length: 30 }, (_, at) => `b${at}: &b${at} [*${at === 0 ? "a" : `b${at - 1}`}]`)
      ]
      for (const hostile of ["metadata_schema: &m { properties: *m }\n", bomb.map((line) => `x-${line}\n`).join("")]) {
        const found = yield* issues({ "models/a.yaml": entity + hostile })
        assert.match(found.join(), /models\/a.yaml:5?\d*:\d+: expected the value itself, not the alias \*/)
      }
    })
  )

  it.scoped("reads nothing but regular files, and those as UTF-8", () =>
    Effect.gen(function* () {
      const made = yield* folder({ "template.yaml": head, "models/fine.yaml": entity })
      const models = join(made, "models")
      yield* Effect.promise(async () => {
        execFileSync("mkfifo", [join(models, "pipe.yaml")])
        await mkdir(join(models, "folder.yaml"))
        await symlink("fine.yaml", join(models, "link.yaml"))
        await writeFile(join(models, "latin.yaml"), Buffer.from(`${entity}description: caf\xe9\n`, "latin1"))
      })
      const { lines } = yield* Effect.flip(readTemplate(made))
      assert.deepStrictEqual(lines, [
        `${models}/folder.yaml: expected a regular file`,
        `${models}/latin.yaml: expected text in UTF-8`,
        `${models}/pipe.yaml: expected a regular file`
      ])
    })
  )

  it.scoped("takes a folder without models for a mistake, not for a template of nothing", () =>
    Effect.gen(function* () {
      const found = yield* issues({ "model/a.yaml": entity })
      assert.match(found.join(), /^models: is not there/)
    })
  )

  it.scoped("refuses a folder that is none", () =>
    Effect.map(Effect.flip(readTemplate("/nowhere")), ({ message }) =>
      assert.strictEqual(message, "/nowhere: is not there")
    )
  )
})
