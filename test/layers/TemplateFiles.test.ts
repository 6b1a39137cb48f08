import { execFileSync } from "node:child_process"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { NodeContext } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { kindDescriptions } from "../../src/domain/Kind.ts"
import { readTemplate } from "../../src/layers/TemplateFiles.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

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
    return refusal.issues.map((issue) => issue.replace(`${made}/`, ""))
  })

layer(NodeContext.layer)("readTemplate", (it) => {
  it.effect("reads the bundled template: enough of each kind, all of it right", () =>
    Effect.gen(function* () {
      const template = yield* readTemplate(join(root, "templates/personal-finance"))
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

  it.scoped("takes what is not said as its default, and keeps x- keys as they are", () =>
    Effect.gen(function* () {
      const made = yield* folder({
        "template.yaml": `${head}x-owner: { team: tax }\n`,
        "models/invoice.yaml": `${entity}x-note: [1, two]\n`
      })
      const { definitions, extensions, publisher } = yield* readTemplate(made)
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
        "models/g.yaml": "version: 1\ntype: entities\nslug: g\nname: G\n",
        "models/notes.txt": "not a definition"
      })
      const expected = [
        /^template.yaml:1:10: version: expected version: 1$/,
        /^template.yaml:3:7: slug: must be lower-case/,
        /^models\/a.yaml:5:9: colour: is unexpected/,
        /^models\/b.yaml:5:11: schedule: expected a cron expression/,
        /^models\/b.yaml:6:9: prompt: must have 1 to/,
        /^models\/c.yaml:\d+:\d+: /,
        /^models\/d.yaml:1:1: expected a mapping/,
        /^models\/e.yaml:5:18: metadata_schema: expected a JSON Schema/,
        /^models\/f.yaml:1:1: slug: is missing/,
        /^models\/g.yaml:2:7: type: expected entity, relationship, watcher or classifier/,
        /^models\/notes.txt: expected only files that end in .yaml/
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
      assert.match((yield* issues({ "models/topic.yaml": dangling })).join(), /refers to watchers "nowhere"/)
      assert.match(
        (yield* issues({ "models/a.yaml": entity, "models/b.yaml": entity })).join(),
        /defined more than once/
      )
    })
  )

  it.scoped("refuses numbers that JSON can't hold", () =>
    Effect.gen(function* () {
      const found = yield* issues({ "models/a.yaml": `${entity}metadata_schema: { maximum: .inf }\n` })
      assert.deepStrictEqual(found, ["models/a.yaml:5:29: expected a number that JSON can hold"])
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
      const { issues } = yield* Effect.flip(readTemplate(made))
      assert.deepStrictEqual(issues, [
        `${models}/folder.yaml: expected a regular file`,
        `${models}/latin.yaml: expected text in UTF-8`,
        `${models}/pipe.yaml: expected a regular file`
      ])
    })
  )

  it.scoped("takes a folder without models for a mistake, not for a template of nothing", () =>
    Effect.gen(function* () {
      const found = yield* issues({ "model/a.yaml": entity })
      assert.match(found.join(), /^models: can't be read/)
    })
  )

  it.scoped("refuses a folder that is none", () =>
    Effect.map(Effect.flip(readTemplate("/nowhere")), ({ message }) => assert.match(message, /models: can't be read/))
  )
})
