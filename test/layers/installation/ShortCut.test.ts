import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, FastCheck, Layer, Option } from "effect"
import { kindDescriptions } from "../../../src/domain/catalog/Kind.ts"
import { AgentId, Slug } from "../../../src/domain/Ids.ts"
import { AppLive } from "../../../src/layers/AppLive.ts"
import { makeDueTimes } from "../../../src/layers/installation/DueTimes.ts"
import { makeShortCut } from "../../../src/layers/installation/ShortCut.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { ownerNamed } from "../../people.ts"
import { PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = AppLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

const schedule = "0 7 * * 1"
const which = FastCheck.constantFrom(0, 0, 1)
const slug = FastCheck.constantFrom("a", "b")
const rows = FastCheck.uniqueArray(
  FastCheck.record({ slug, name: FastCheck.constantFrom("X", "Y"), bound: FastCheck.boolean() }),
  {
    selector: (row) => row.slug,
    maxLength: 2
  }
)
const act = FastCheck.oneof(
  { weight: 3, arbitrary: FastCheck.record({ act: FastCheck.constant("publish" as const), which, rows }) },
  { weight: 6, arbitrary: FastCheck.record({ act: FastCheck.constant("install" as const), which }) },
  {
    weight: 2,
    arbitrary: FastCheck.record({
      act: FastCheck.constantFrom("rename" as const, "remove" as const, "author" as const, "unbind" as const),
      slug
    })
  },
  { weight: 1, arbitrary: FastCheck.record({ act: FastCheck.constant("uninstall" as const), which }) }
)
type Act = typeof act extends FastCheck.Arbitrary<infer A> ? A : never

const histories: ReadonlyArray<ReadonlyArray<Act>> = FastCheck.sample(
  FastCheck.array(act, { minLength: 6, maxLength: 16 }),
  { numRuns: Number(process.env.HISTORIES ?? 12), seed: 20261129 }
)

for (const mode of ["copy", "reference"] as const)
  layer(Live, { timeout: "60 seconds", excludeTestServices: true })(`the short cut of installs by ${mode}`, (it) => {
    it.effect(
      "does what the long way does, wherever it is taken",
      () =>
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const catalog = yield* TemplateCatalog
          const mirror = yield* TemplateMirror
          const shortCut = yield* makeShortCut(kindDescriptions, makeDueTimes())
          const taken = { created: 0, confirmed: 0, left: 0 }
          // Who refers to rows changes them by the views.
          const seen = (table: string) => sql(mode === "copy" ? table : `vocabulary.${table}`)
          let people = 0

          const newPerson = Effect.suspend(() => ownerNamed(`person-${++people}`))
          /** All that is written of an organization, by what has no id of its own. */
          const written = (organizationId: string) =>
            sql`
            SELECT 'type' AS what, slug, name, deleted_at IS NULL AS seen, managed_by_template_agent_id AS by, source_template_org_id AS of,
              created_by IS NULL AS made, metadata_schema::text AS says, NULL AS due
            FROM entity_types WHERE organization_id = ${organizationId}
            UNION ALL SELECT 'watcher', w.slug, w.name, w.deleted_at IS NULL, w.managed_by_template_agent_id, w.source_template_org_id,
              w.created_by IS NULL, v.prompt || v.version || ' ' || COALESCE(a.template_agent_id, ''), w.next_run_at::text
            FROM watchers w LEFT JOIN watcher_versions v ON v.id = w.current_version_id LEFT JOIN agents a ON a.id = w.agent_id
            WHERE w.organization_id = ${organizationId}
            UNION ALL SELECT 'classifier', c.slug, c.name, c.deleted_at IS NULL, c.managed_by_template_agent_id, c.source_template_org_id,
              c.created_by IS NULL, v.attribute_values::text || v.version || COALESCE(w.slug, ''), NULL
            FROM event_classifiers c LEFT JOIN event_classifier_versions v ON v.classifier_id = c.id AND v.is_current
              LEFT JOIN watchers w ON w.id = c.watcher_id
            WHERE c.organization_id = ${organizationId}
            UNION ALL SELECT 'ledger', slug, kind || source_id, adopted, template_agent_id, applied_hash, NULL, NULL, NULL
            FROM mirror_ledger WHERE organization_id = ${organizationId}
            UNION ALL SELECT 'agent', description, name, pinned, template_agent_id, revision::text, NULL, template_name, template_description
            FROM agents WHERE organization_id = ${organizationId}
            UNION ALL SELECT 'history', action, rows::text || since || besides::text, NULL, template_agent_id, revision::text, NULL, NULL, NULL
            FROM mirror_history WHERE organization_id = ${organizationId}
            ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
          `

          for (const [at, history] of histories.entries()) {
            const publish = (which: number, rows: Extract<Act, { readonly act: "publish" }>["rows"]) =>
              catalog.publish(
                template(
                  `short-${at}-${which}`,
                  rows.flatMap(({ bound, name, slug }) => [
                    definition("entity_types", slug, { name }),
                    definition("watchers", slug, { name, content: { schedule } }),
                    definition("event_classifiers", slug, {
                      name,
                      references: bound ? { watcher_id: Slug.make(slug) } : {}
                    })
                  ]),
                  { publisher: Slug.make(`short-${at}`), modes: [mode] }
                )
              )
            const templates = yield* Effect.forEach([0, 1], (which) =>
              publish(which, [{ slug: "a", name: "X", bound: true }])
            )
            const ids = templates.map(({ templateAgentId }) => templateAgentId)
            for (const id of ids) shortCut.learn(id, { schedules: [schedule], mode })
            const [quick, slow] = [yield* newPerson, yield* newPerson]
            for (const one of history) {
              const templateAgentId = ids["which" in one ? one.which : 0]
              assert(templateAgentId !== undefined)
              if (one.act === "publish") yield* Effect.either(publish(one.which, one.rows))
              for (const { organizationId } of [quick, slow]) {
                const those = (slug: string) =>
                  sql`organization_id = ${organizationId} AND slug = ${slug} AND deleted_at IS NULL`
                if (one.act === "rename")
                  yield* sql`UPDATE ${seen("watchers")} SET name = 'Mine' WHERE ${those(one.slug)}`
                if (one.act === "remove")
                  yield* sql`UPDATE ${seen("entity_types")} SET deleted_at = now() WHERE ${those(one.slug)}`
                if (one.act === "unbind")
                  yield* sql`UPDATE ${seen("event_classifiers")} SET watcher_id = NULL WHERE ${those(one.slug)}`
                if (one.act === "author") {
                  yield* sql`INSERT INTO entity_types (organization_id, slug, name) SELECT ${organizationId}, ${one.slug}, 'Own'
                  WHERE NOT EXISTS (SELECT FROM vocabulary.entity_types WHERE ${those(one.slug)})`
                }
              }
              const agents = yield* Effect.forEach(
                [quick, slow],
                ({ organizationId }) =>
                  sql<{
                    readonly id: string
                  }>`SELECT id FROM agents WHERE organization_id = ${organizationId} AND template_agent_id = ${templateAgentId}`
              )
              if (one.act === "uninstall") {
                for (const [at, person] of [quick, slow].entries()) {
                  const id = agents[at]?.[0]?.id
                  if (typeof id === "string") {
                    yield* mirror.uninstall({ ...person, templateAgentId, agentId: AgentId.make(id) })
                  }
                }
              }
              if (one.act !== "install") continue
              const found = yield* shortCut.installOrConfirm({ ...quick, templateAgentId })
              taken[
                Option.match(found, {
                  onNone: () => "left" as const,
                  onSome: ({ created }) => (created ? "created" : "confirmed")
                })
              ]++
              const done = yield* Option.match(found, {
                onNone: () => Effect.either(mirror.apply({ ...quick, templateAgentId })),
                onSome: (applied) => Effect.either(Effect.succeed(applied))
              })
              const { planHash } = yield* mirror.plan({ ...slow, templateAgentId })
              const expected = yield* Effect.either(mirror.apply({ ...slow, templateAgentId, expectedPlan: planHash }))
              const said = (one: typeof done | typeof expected) =>
                one._tag === "Left"
                  ? one.left._tag
                  : {
                      ...one.right,
                      agentId: null,
                      verdicts: [...one.right.verdicts].sort((a, b) => (a.kind < b.kind ? -1 : 1))
                    }
              const story = JSON.stringify({ history, one })
              assert.deepStrictEqual(said(done), said(expected), story)
              assert.deepStrictEqual(yield* written(quick.organizationId), yield* written(slow.organizationId), story)
            }
          }
          assert.isAbove(Math.min(taken.created, taken.confirmed, taken.left), 5, JSON.stringify(taken))
        }),
      120_000
    )
  })
