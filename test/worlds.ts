import { SqlClient, SqlSchema } from "@effect/sql"
import type { Vitest } from "@effect/vitest"
import { Clock, Context, Duration, Effect, Either, Layer, Option, Record, Redacted, Schema, TestClock } from "effect"
import { Kind, type KindDescription, kindDescriptions } from "../src/domain/catalog/Kind.ts"
import type { Mode } from "../src/domain/catalog/Mode.ts"
import type { Template } from "../src/domain/catalog/Template.ts"
import { AgentId, OrganizationId, UserId } from "../src/domain/Ids.ts"
import { AppLive } from "../src/layers/AppLive.ts"
import { AppMemory } from "../src/layers/AppMemory.ts"
import { type MemoryState, MemoryStore } from "../src/layers/memory/MemoryStore.ts"
import type { Accounts } from "../src/services/account/Accounts.ts"
import type { ApiKeys } from "../src/services/account/ApiKeys.ts"
import { Auth, type Credential } from "../src/services/account/Auth.ts"
import { AuthRoutes } from "../src/services/account/AuthRoutes.ts"
import type { Organization } from "../src/services/account/OrgResolver.ts"
import { OrgResolver } from "../src/services/account/OrgResolver.ts"
import { PersonalOrgs } from "../src/services/account/PersonalOrgs.ts"
import type { KeptAnswers } from "../src/services/admission/KeptAnswers.ts"
import type { RateLimiter } from "../src/services/admission/RateLimiter.ts"
import { TemplateCatalog } from "../src/services/catalog/TemplateCatalog.ts"
import type { TemplateOffers } from "../src/services/catalog/TemplateOffers.ts"
import type { TemplateReader } from "../src/services/catalog/TemplateReader.ts"
import type { Events } from "../src/services/events/Events.ts"
import type { Gateway } from "../src/services/identity/Gateway.ts"
import type { IdentityLinker } from "../src/services/identity/IdentityLinker.ts"
import type { InstallCodes } from "../src/services/identity/InstallCodes.ts"
import type { Adoptions } from "../src/services/installation/Adoptions.ts"
import type { AgentRows } from "../src/services/installation/AgentRows.ts"
import type { InstalledAgents } from "../src/services/installation/InstalledAgents.ts"
import type { RowPairs } from "../src/services/installation/RowPairs.ts"
import type { TemplateMirror } from "../src/services/installation/TemplateMirror.ts"
import type { Watchers } from "../src/services/installation/Watchers.ts"
import type { PublishedTemplates } from "../src/services/publishing/PublishedTemplates.ts"
import type { Publishers } from "../src/services/publishing/Publishers.ts"
import type { Rollouts } from "../src/services/rollout/Rollouts.ts"
import type { RolloutWork } from "../src/services/rollout/RolloutWork.ts"
import type { Health } from "../src/services/runtime/Health.ts"
import type { Transactor } from "../src/services/runtime/Transactor.ts"
import type { RowOfOrganization, StoredRow, TemplateMirrorHands } from "../src/testing/installation/Prepared.ts"
import { mutating } from "./machine.ts"
import { PgTest } from "./pg.ts"

export interface Identity {
  readonly namespace: string
  readonly identifier: string
  readonly state: string
}

/** What people and other programs do to the same data, by hand. */
export class Hands extends Context.Tag("test/Hands")<
  Hands,
  {
    /** An account as sign-up leaves it where nothing after it worked. */
    readonly account: (name: string, email: string) => Effect.Effect<UserId>
    /** Gives an account another address, verified or not. */
    readonly setEmail: (userId: UserId, email: string, verified: boolean) => Effect.Effect<void>
    /** A session of a new account: as a bearer token, and as a cookie. */
    readonly signUp: (name: string) => Effect.Effect<{ readonly bearer: string; readonly cookie: string }>
    readonly rows: (organizationId: OrganizationId) => Effect.Effect<ReadonlyArray<StoredRow>>
    /** The rows that are deleted and still tagged, and by which template. */
    readonly deletedCopies: (
      organizationId: OrganizationId
    ) => Effect.Effect<ReadonlyArray<{ readonly slug: string; readonly managedBy: string }>>
    readonly agents: (organizationId: OrganizationId) => Effect.Effect<
      ReadonlyArray<{
        id: AgentId
        name: string
        description: string
        revision?: number | null | undefined
        templateAgentId?: AgentId | null | undefined
      }>
    >
    readonly identities: (organizationId: OrganizationId) => Effect.Effect<ReadonlyArray<Identity>>
    /** Makes a row by hand; a classifier of the watcher of that slug. */
    readonly author: (row: RowOfOrganization, watcher?: string) => Effect.Effect<void>
    readonly rename: (row: RowOfOrganization, name: string) => Effect.Effect<void>
    /** Gives a jsonb column of the row's own table another value, written as JSON text. */
    readonly edit: (row: RowOfOrganization, column: string, json: string) => Effect.Effect<void>
    readonly remove: (row: RowOfOrganization) => Effect.Effect<void>
    /** Deletes the row for good, unless something refers to it. */
    readonly erase: (row: RowOfOrganization) => Effect.Effect<void>
    /** Gives the row another slug. */
    readonly move: (row: RowOfOrganization, slug: string) => Effect.Effect<void>
    /** Makes something refer to the agent. */
    readonly useAgent: (agentId: AgentId) => Effect.Effect<void>
    /** Makes something refer to the row, as an entity of its type does. */
    readonly use: (row: RowOfOrganization) => Effect.Effect<void>
    readonly setRole: (
      organizationId: OrganizationId,
      userId: UserId,
      role: "owner" | "admin" | "member"
    ) => Effect.Effect<void>
    readonly leave: (organizationId: OrganizationId, userId: UserId) => Effect.Effect<void>
    readonly organizationName: (slug: string) => Effect.Effect<string>
    readonly organizationId: (slug: string) => Effect.Effect<OrganizationId>
    readonly setVisibility: (slug: string, visibility: "public" | "private") => Effect.Effect<void>
    readonly verifyPhones: (organizationId: OrganizationId) => Effect.Effect<void>
    /** Makes all codes and pending links older by that many minutes. */
    readonly age: (minutes: number) => Effect.Effect<void>
    /** Lets time pass for budgets and kept answers, by the clock of the test and by the database's. */
    readonly elapse: (time: Duration.Duration) => Effect.Effect<void>
  }
>() {}

let people = 0

/** What everybody signs up with. */
export const password = "a long password"

/** What a row that is made by hand says where it is not told, as the tables have it. */
const columnDefaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  entity_types: { icon: null, color: null, metadata_schema: {}, event_kinds: [] },
  entity_relationship_types: { metadata_schema: {}, is_symmetric: false },
  watchers: { schedule: null, sources: [], prompt: null, extraction_schema: null, reactions_guidance: null },
  event_classifiers: { attribute_key: null, attribute_values: null, min_similarity: null, fallback_value: null }
}

const HandsMemory = Layer.effect(
  Hands,
  Effect.gen(function* () {
    const { change, read } = yield* MemoryStore
    const update = (next: (state: MemoryState) => MemoryState) =>
      change((state) => Either.right([undefined, next(state)] as const))
    const account = (name: string, email: string, signedUp: { session: string; password?: string } = { session: "" }) =>
      Effect.suspend(() => {
        const id = UserId.make(`user-${++people}`)
        const user = { id, name, email, emailVerified: false, ...signedUp }
        return Effect.as(
          update((state) => ({ ...state, users: [...state.users, user] })),
          id
        )
      })
    const withDefinitions = (
      row: RowOfOrganization,
      next: (record: MemoryState["definitions"][number]) => Partial<MemoryState["definitions"][number]>
    ) =>
      update((state) => ({
        ...state,
        definitions: state.definitions.map((record) =>
          record.organizationId === row.organizationId &&
          record.kind === row.kind &&
          record.slug === row.slug &&
          !record.deleted
            ? { ...record, ...next(record) }
            : record
        )
      }))
    return Hands.of({
      account,
      setEmail: (userId, email, emailVerified) =>
        update((state) => ({
          ...state,
          users: state.users.map((user) => (user.id === userId ? { ...user, email, emailVerified } : user))
        })),
      signUp: (name) =>
        Effect.map(account(name, `${name}@example.org`, { session: `token-${name}`, password }), () => ({
          bearer: `Bearer token-${name}`,
          cookie: `session=token-${name}`
        })),
      rows: (organizationId) =>
        read(({ definitions }) =>
          definitions
            .filter((row) => row.organizationId === organizationId && !row.deleted)
            .map((row) => ({
              kind: row.kind,
              slug: row.slug,
              name: row.name,
              managedBy: row.managedBy ?? null,
              agentId: row.agentId ?? null,
              due: row.due?.toISOString() ?? null,
              content: { ...row.content, description: row.description, extensions: row.extensions },
              retired: row.retired === true,
              refersTo: definitions.find(({ id }) => Object.values(row.references).includes(id))?.slug ?? null
            }))
        ),
      deletedCopies: (organizationId) =>
        read(({ definitions }) =>
          definitions.flatMap(({ deleted, managedBy, slug, ...row }) =>
            deleted && managedBy !== undefined && row.organizationId === organizationId ? [{ slug, managedBy }] : []
          )
        ),
      agents: (organizationId) =>
        read(({ agents }) => agents.filter((agent) => agent.organizationId === organizationId)),
      identities: (organizationId) =>
        read(({ identities }) => identities.filter((identity) => identity.organizationId === organizationId)),
      author: (row, watcher) =>
        update((state) => ({
          ...state,
          nextId: state.nextId + 1,
          definitions: [
            ...state.definitions,
            {
              ...row,
              id: state.nextId,
              name: row.slug,
              description: "",
              extensions: {},
              content: columnDefaults[row.kind] ?? {},
              references: {
                ...(row.kind === "event_classifiers" && { watcher_id: null }),
                ...Object.fromEntries(
                  state.definitions.flatMap(({ id, kind, organizationId, slug }) =>
                    organizationId === row.organizationId && kind === "watchers" && slug === watcher
                      ? [["watcher_id", id]]
                      : []
                  )
                )
              },
              deleted: false
            }
          ]
        })),
      rename: (row, name) => withDefinitions(row, () => ({ name })),
      edit: (row, column, json) =>
        withDefinitions(row, ({ content }) => ({ content: { ...content, [column]: JSON.parse(json) } })),
      remove: (row) => withDefinitions(row, () => ({ deleted: true })),
      erase: (row) =>
        update((state) => {
          const erased = state.definitions.find(
            ({ deleted, id, kind, organizationId, slug }) =>
              !deleted &&
              organizationId === row.organizationId &&
              kind === row.kind &&
              slug === row.slug &&
              !state.uses.includes(id)
          )?.id
          return {
            ...state,
            definitions: state.definitions
              .filter(({ id }) => id !== erased)
              .map((one) => ({
                ...one,
                references: Record.map(one.references, (id) => (id === erased ? null : id))
              }))
          }
        }),
      move: (row, slug) => withDefinitions(row, () => ({ slug })),
      useAgent: (agentId) => update((state) => ({ ...state, uses: [...state.uses, agentId] })),
      use: (row) =>
        update((state) => ({
          ...state,
          uses: [
            ...state.uses,
            ...state.definitions.flatMap(({ id, kind, organizationId, slug }) =>
              organizationId === row.organizationId && kind === row.kind && slug === row.slug ? [id] : []
            )
          ]
        })),
      setRole: (organizationId, userId, role) =>
        update((state) => ({
          ...state,
          members: [
            ...state.members.filter((member) => member.organizationId !== organizationId || member.userId !== userId),
            { organizationId, userId, role }
          ]
        })),
      leave: (organizationId, userId) =>
        update((state) => ({
          ...state,
          members: state.members.filter(
            (member) => member.organizationId !== organizationId || member.userId !== userId
          )
        })),
      organizationName: (slug) =>
        read(({ organizations }) => organizations.find((organization) => organization.slug === slug)?.name ?? ""),
      organizationId: (slug) =>
        read(
          ({ organizations }) =>
            organizations.find((organization) => organization.slug === slug)?.id ?? OrganizationId.make("none")
        ),
      setVisibility: (slug, visibility) =>
        update((state) => ({
          ...state,
          organizations: state.organizations.map((organization) =>
            organization.slug === slug ? { ...organization, visibility } : organization
          )
        })),
      verifyPhones: (organizationId) =>
        update((state) => ({
          ...state,
          identities: state.identities.map((identity) =>
            identity.organizationId === organizationId && identity.namespace !== "email"
              ? { ...identity, state: "verified" }
              : identity
          ),
          links: state.links.map((link) =>
            link.organizationId === organizationId ? { ...link, open: false, senderAgreed: true } : link
          )
        })),
      age: (minutes) =>
        update((state) => ({
          ...state,
          codes: state.codes.map((code) => ({ ...code, expiresAt: code.expiresAt - minutes * 60_000 })),
          links: state.links.map((link) => ({ ...link, expiresAt: link.expiresAt - minutes * 60_000 }))
        })),
      elapse: TestClock.adjust
    })
  })
)

const HandsLive = (kinds: ReadonlyArray<KindDescription>, mode: Mode) =>
  Layer.effect(
    Hands,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const routes = yield* AuthRoutes
      const baseOf = (kind: Kind) => sql(kinds.find((one) => one.kind === kind)?.table ?? kind)
      // Where rows are referred to, people's programs have moved over to the views.
      const tableOf = (kind: Kind) =>
        mode === "reference" && kinds.some((one) => one.kind === kind && one.published !== undefined)
          ? sql(`vocabulary.${kind}`)
          : baseOf(kind)
      const seen = ({ published, table }: KindDescription) => (published === undefined ? table : `vocabulary.${table}`)
      const run = (statement: Effect.Effect<unknown, unknown>) => Effect.asVoid(Effect.orDie(statement))

      const findRows = SqlSchema.findAll({
        Request: OrganizationId,
        Result: Schema.Struct({
          kind: Kind,
          slug: Schema.String,
          name: Schema.String,
          managedBy: Schema.NullOr(Schema.String),
          agentId: Schema.NullOr(Schema.String),
          due: Schema.NullOr(Schema.String),
          content: Schema.Unknown,
          retired: Schema.Boolean,
          refersTo: Schema.NullOr(Schema.String)
        }),
        execute: (organizationId) =>
          sql.unsafe(
            kinds
              .map(
                ({ agent, columns, kind, references = {}, schedule, versions, ...rest }) => `
                SELECT '${kind}' AS kind, t.slug, t.name, t.managed_by_template_agent_id AS managed_by, t.retired_at IS NOT NULL AS retired,
                  ${agent === undefined ? "NULL" : `t.${agent}`} AS agent_id,
                  ${schedule === undefined ? "NULL" : `to_char(t.${schedule.due} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`} AS due,
                  jsonb_build_object('description', t.description, 'extensions', t.extensions
                    ${Object.keys(columns)
                      .map((column) => `, '${column}', t.${column}`)
                      .join("")}
                    ${Object.keys(versions?.columns ?? {})
                      .map((column) => `, '${column}', v.${column}`)
                      .join("")}) AS content,
                  ${Object.entries(references).map(([column, to]) => `(SELECT slug FROM ${kinds.some((one) => one.kind === to && one.published !== undefined) ? `vocabulary.used_${to}` : to} WHERE id = t.${column})`)[0] ?? "NULL"} AS refers_to
                FROM ${rest.published === undefined ? rest.table : `vocabulary.${rest.table}`} t ${
                  versions === undefined
                    ? ""
                    : `LEFT JOIN ${rest.published === undefined ? versions.table : `vocabulary.${versions.table}`} v ON v.${versions.owner} = t.id AND ${"pointer" in versions.current ? `v.id = t.${versions.current.pointer}` : `v.${versions.current.flag}`}`
                } WHERE t.organization_id = $1 AND t.deleted_at IS NULL AND t.slug NOT LIKE '$%'`
              )
              .join(" UNION ALL ")
              .concat(" ORDER BY kind, slug"),
            [organizationId]
          )
      })
      const findDeletedCopies = SqlSchema.findAll({
        Request: OrganizationId,
        Result: Schema.Struct({ slug: Schema.String, managedBy: Schema.String }),
        execute: (organizationId) =>
          sql.unsafe(
            kinds
              .map(
                (kind) => `SELECT slug, managed_by_template_agent_id AS managed_by FROM ${seen(kind)}
              WHERE organization_id = $1 AND deleted_at IS NOT NULL AND managed_by_template_agent_id IS NOT NULL`
              )
              .join(" UNION ALL ")
              .concat(" ORDER BY slug, managed_by"),
            [organizationId]
          )
      })
      const findOrganization = SqlSchema.single({
        Request: Schema.String,
        Result: Schema.Struct({ id: OrganizationId, name: Schema.String }),
        execute: (slug) => sql`SELECT id, name FROM organization WHERE slug = ${slug}`
      })
      const findAgents = SqlSchema.findAll({
        Request: OrganizationId,
        Result: Schema.Struct({
          id: AgentId,
          name: Schema.String,
          description: Schema.String,
          revision: Schema.NullOr(Schema.Int),
          templateAgentId: Schema.NullOr(AgentId)
        }),
        execute: (organizationId) =>
          sql`SELECT id, name, description, revision, template_agent_id FROM agents WHERE organization_id = ${organizationId} ORDER BY created_at, id`
      })
      const findIdentities = SqlSchema.findAll({
        Request: OrganizationId,
        Result: Schema.Struct({ namespace: Schema.String, identifier: Schema.String, state: Schema.String }),
        execute: (organizationId) => sql`
        SELECT namespace, identifier, state FROM entity_identities
        WHERE organization_id = ${organizationId} AND deleted_at IS NULL ORDER BY namespace, identifier
      `
      })

      return Hands.of({
        account: (name, email) =>
          Effect.suspend(() => {
            const id = UserId.make(`user-${++people}`)
            return Effect.as(
              run(sql`INSERT INTO "user" (id, name, email, "emailVerified") VALUES (${id}, ${name}, ${email}, false)`),
              id
            )
          }),
        signUp: (name) =>
          Effect.gen(function* () {
            const response = yield* routes.handle(
              new Request("http://127.0.0.1:3000/api/auth/sign-up/email", {
                method: "POST",
                headers: { "content-type": "application/json" },
                body: JSON.stringify({ name, email: `${name}@example.org`, password })
              }),
              "127.0.0.1"
            )
            return {
              bearer: `Bearer ${response.headers.get("set-auth-token")}`,
              cookie: (response.headers.get("set-cookie") ?? "").split(";")[0] ?? ""
            }
          }),
        rows: (organizationId) => Effect.orDie(findRows(organizationId)),
        deletedCopies: (organizationId) => Effect.orDie(findDeletedCopies(organizationId)),
        agents: (organizationId) => Effect.orDie(findAgents(organizationId)),
        identities: (organizationId) => Effect.orDie(findIdentities(organizationId)),
        author: ({ kind, organizationId, slug }, watcher) =>
          run(
            sql`INSERT INTO ${tableOf(kind)} (organization_id, slug, name) VALUES (${organizationId}, ${slug}, ${slug})`
          ).pipe(
            Effect.zipRight(
              watcher === undefined
                ? Effect.void
                : run(sql`
                  UPDATE event_classifiers SET watcher_id = w.id FROM vocabulary.watchers w
                  WHERE event_classifiers.organization_id = ${organizationId} AND event_classifiers.slug = ${slug}
                    AND event_classifiers.deleted_at IS NULL AND w.organization_id = ${organizationId} AND w.slug = ${watcher}
                `)
            )
          ),
        rename: ({ kind, organizationId, slug }, name) =>
          run(sql`
          UPDATE ${tableOf(kind)} SET name = ${name}
          WHERE organization_id = ${organizationId} AND slug = ${slug} AND deleted_at IS NULL
        `),
        edit: ({ kind, organizationId, slug }, column, json) =>
          run(sql`
          UPDATE ${tableOf(kind)} SET ${sql(column)} = ${json}::jsonb
          WHERE organization_id = ${organizationId} AND slug = ${slug} AND deleted_at IS NULL
        `),
        remove: ({ kind, organizationId, slug }) =>
          run(sql`
          UPDATE ${tableOf(kind)} SET deleted_at = now()
          WHERE organization_id = ${organizationId} AND slug = ${slug} AND deleted_at IS NULL
        `),
        erase: ({ kind, organizationId, slug }) =>
          sql`
          DELETE FROM ${tableOf(kind)} WHERE organization_id = ${organizationId} AND slug = ${slug} AND deleted_at IS NULL
        `.pipe(
            Effect.catchIf(
              (error) => (error.cause as { code?: string }).code === "23503",
              () => Effect.void
            ),
            run
          ),
        move: ({ kind, organizationId, slug }, to) =>
          run(
            sql`
            UPDATE ${tableOf(kind)} SET slug = ${to}
            WHERE organization_id = ${organizationId} AND slug = ${slug} AND deleted_at IS NULL
          `
          ),
        useAgent: (agentId) =>
          run(sql`CREATE TABLE IF NOT EXISTS uses_of_agents (agent_id text REFERENCES agents (id))`).pipe(
            Effect.zipRight(run(sql`INSERT INTO uses_of_agents VALUES (${agentId})`))
          ),
        use: ({ kind, organizationId, slug }) =>
          run(
            sql`CREATE TABLE IF NOT EXISTS ${sql(`uses_of_${kind}`)} (row_id bigint REFERENCES ${baseOf(kind)} (id))`
          ).pipe(
            Effect.zipRight(
              mode === "copy" || tableOf(kind) === baseOf(kind)
                ? Effect.void
                : run(sql`
                  SELECT ${sql.literal(`anchor_${kind}`)}(ARRAY(
                    SELECT id FROM ${tableOf(kind)} WHERE organization_id = ${organizationId} AND slug = ${slug}
                  ))
                `)
            ),
            Effect.zipRight(
              run(sql`
              INSERT INTO ${sql(`uses_of_${kind}`)}
              SELECT id FROM ${tableOf(kind)} WHERE organization_id = ${organizationId} AND slug = ${slug}
            `)
            )
          ),
        setEmail: (userId, email, verified) =>
          run(sql`UPDATE "user" SET email = ${email}, "emailVerified" = ${verified} WHERE id = ${userId}`),
        setRole: (organizationId, userId, role) =>
          run(sql`
          INSERT INTO member (organization_id, user_id, role) VALUES (${organizationId}, ${userId}, ${role})
          ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role
        `),
        leave: (organizationId, userId) =>
          run(sql`DELETE FROM member WHERE organization_id = ${organizationId} AND user_id = ${userId}`),
        organizationName: (slug) => Effect.map(Effect.orDie(findOrganization(slug)), ({ name }) => name),
        organizationId: (slug) => Effect.map(Effect.orDie(findOrganization(slug)), ({ id }) => id),
        setVisibility: (slug, visibility) =>
          run(sql`UPDATE organization SET visibility = ${visibility} WHERE slug = ${slug}`),
        verifyPhones: (organizationId) =>
          run(sql`
          UPDATE identity_links SET closed_at = now(), sender_agreed_at = now() WHERE organization_id = ${organizationId}
        `).pipe(
            Effect.zipRight(
              run(sql`
              UPDATE entity_identities SET state = 'verified'
              WHERE organization_id = ${organizationId} AND namespace <> 'email' AND deleted_at IS NULL
            `)
            )
          ),
        age: (minutes) =>
          run(sql`UPDATE install_tokens SET expires_at = expires_at - make_interval(mins => ${minutes})`).pipe(
            Effect.zipRight(
              run(sql`UPDATE identity_links SET expires_at = expires_at - make_interval(mins => ${minutes})`)
            )
          ),
        elapse: (time) =>
          TestClock.adjust(time).pipe(
            Effect.zipRight(
              run(sql`
              UPDATE rate_limits SET hits = ARRAY(
                SELECT hit - make_interval(secs => ${Duration.toSeconds(time)}) FROM unnest(hits) AS hit ORDER BY hit
              )
            `)
            ),
            Effect.zipRight(
              run(
                sql`UPDATE kept_answers SET created_at = created_at - make_interval(secs => ${Duration.toSeconds(time)})`
              )
            )
          )
      })
    })
  )

/** Budgets small enough to spend in a test. */
export const limits = {
  change: { limit: 1_000, window: Duration.hours(1) },
  install: { limit: 3, window: Duration.minutes(1) },
  read: { limit: 3, window: Duration.minutes(1) },
  auth: { limit: 1_000, window: Duration.minutes(1) },
  password: { limit: 4, window: Duration.minutes(15) },
  account: { limit: 10, window: Duration.hours(1) },
  sender: { limit: 1_000, window: Duration.hours(1) },
  mail: { limit: 1_000, window: Duration.hours(1) }
}

/** What the chat gateway of each world shows. */
export const gatewayToken = "the-token-of-the-gateway-of-the-tests"

/** What sessions are kept with in the tests. */
export const authentication = {
  baseUrl: "http://127.0.0.1:3000",
  ownOrigins: ["http://127.0.0.1:3000"],
  secret: Redacted.make("a secret of at least thirty-two characters")
}

/** What the application is told in the tests. */
export const appOptions = {
  ...authentication,
  limits,
  defaultCountry: "GB",
  gatewayToken: Option.some(Redacted.make(gatewayToken))
}

/** What every world has. */
export type Services =
  | Accounts
  | ApiKeys
  | Auth
  | Adoptions
  | AgentRows
  | Events
  | Gateway
  | Hands
  | Health
  | IdentityLinker
  | InstalledAgents
  | InstallCodes
  | OrgResolver
  | PersonalOrgs
  | PublishedTemplates
  | Publishers
  | KeptAnswers
  | RateLimiter
  | Rollouts
  | RolloutWork
  | RowPairs
  | TemplateCatalog
  | TemplateMirror
  | TemplateOffers
  | TemplateReader
  | Transactor
  | Watchers

/** What a world may be besides what it usually is. */
export interface WorldOptions {
  /** Other kinds than those of the service, and the statements that make their tables in Postgres. */
  readonly kinds?: ReadonlyArray<KindDescription>
  readonly tables?: ReadonlyArray<string>
  readonly routeOnClaim?: boolean
  /** How templates of the world are installed. */
  readonly mode?: Mode
}

/** Each service in memory, and on Postgres. */
export const worldsOf = ({
  kinds = kindDescriptions,
  mode = "copy",
  routeOnClaim = false,
  tables = []
}: WorldOptions): ReadonlyArray<readonly [label: string, world: Layer.Layer<Services>]> => {
  const Offering = Layer.effect(
    TemplateCatalog,
    Effect.map(TemplateCatalog, (catalog) => ({
      ...catalog,
      publish: (template: Template) =>
        catalog.publish({ modes: mode === "copy" ? ["copy", "reference"] : ["reference", "copy"], ...template })
    }))
  )
  const Memory = Offering.pipe(
    Layer.provideMerge(HandsMemory),
    Layer.provideMerge(
      AppMemory({ people: [], templates: [], limits, kinds, defaultCountry: "GB", routeOnClaim, gatewayToken })
    )
  )
  const TablesLive = Layer.effectDiscard(
    Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.forEach(tables, (text) => sql.unsafe(text)))
  )
  const Postgres = Offering.pipe(
    Layer.provideMerge(HandsLive(kinds, mode)),
    Layer.provideMerge(AppLive({ ...appOptions, kinds, routeOnClaim })),
    Layer.provide(TablesLive),
    Layer.provide(PgTest)
  )
  const by = mode === "copy" ? "" : ", by reference"
  const memory = [`memory${by}`, Layer.orDie(Memory)] as const
  const postgres = [`postgres${by}`, Layer.orDie(Postgres)] as const
  return mutating ? [memory] : [memory, postgres]
}

/** What the laws hold for: each service in memory, and on Postgres. */
export const worlds = worldsOf({})

/** The same in both modes: what the mirror does, it does in each. */
export const worldsOfBothModes = [...worlds, ...worldsOf({ mode: "reference" })]

/** The same, where a lone typed claim routes. */
export const worldsThatRouteOnClaim = worldsOf({ routeOnClaim: true })

/** Somebody who has an account, and now an organization of their own. */
const withOrganization = (userId: UserId) =>
  Effect.gen(function* () {
    const personalOrgs = yield* PersonalOrgs
    const orgs = yield* OrgResolver
    yield* personalOrgs.ensure(userId)
    return { userId, organization: yield* Effect.orDie(orgs.personalOrg(userId)) }
  })

/** A new person with an organization of their own. */
export const newPerson = (
  name = `Person ${++people}`
): Effect.Effect<
  { readonly userId: UserId; readonly organization: Organization },
  never,
  Hands | PersonalOrgs | OrgResolver
> =>
  Effect.gen(function* () {
    const hands = yield* Hands
    return yield* withOrganization(yield* hands.account(name, `person-${++people}@example.org`))
  })

/** A new person with an organization of their own, and the credential of their session. */
export const newVisitor = Effect.gen(function* () {
  const hands = yield* Hands
  const auth = yield* Auth
  const session = credential({ bearer: (yield* hands.signUp(`visitor-${++people}`)).bearer })
  const { userId } = yield* Effect.orDie(auth.identify(session))
  return { session, ...(yield* withOrganization(userId)) }
})

/** What the laws of the mirror do to a world. */
export const mirrorHands: TemplateMirrorHands<Hands | OrgResolver | PersonalOrgs | TemplateCatalog> = {
  newPerson: Effect.suspend(() => newPerson()),
  publish: (template) => Effect.flatMap(TemplateCatalog, ({ publish }) => Effect.orDie(publish(template))),
  rows: (organizationId) => Effect.flatMap(Hands, ({ rows }) => rows(organizationId)),
  agents: (organizationId) => Effect.flatMap(Hands, ({ agents }) => agents(organizationId)),
  author: (...row) => Effect.flatMap(Hands, ({ author }) => author(...row)),
  rename: (...row) => Effect.flatMap(Hands, ({ rename }) => rename(...row)),
  move: (...row) => Effect.flatMap(Hands, ({ move }) => move(...row)),
  remove: (row) => Effect.flatMap(Hands, ({ remove }) => remove(row)),
  erase: (row) => Effect.flatMap(Hands, ({ erase }) => erase(row)),
  use: (row) => Effect.flatMap(Hands, ({ use }) => use(row)),
  useAgent: (agentId) => Effect.flatMap(Hands, ({ useAgent }) => useAgent(agentId)),
  setRole: (...role) => Effect.flatMap(Hands, ({ setRole }) => setRole(...role)),
  setVisibility: (...organization) => Effect.flatMap(Hands, ({ setVisibility }) => setVisibility(...organization)),
  elapse: TestClock.adjust
}

/** A credential from header texts. */
export const credential = (headers: { readonly bearer?: string; readonly cookie?: string }): Credential => ({
  authorization: Option.getOrUndefined(Option.map(Option.fromNullable(headers.bearer), Redacted.make)),
  cookie: Option.getOrUndefined(Option.map(Option.fromNullable(headers.cookie), Redacted.make))
})

/** A test by the real clock: for what waits a moment between tries, which the test clock never lets pass. */
export const inRealTime =
  <R>(it: Vitest.MethodsNonLive<R>) =>
  <A, E>(name: string, test: () => Effect.Effect<A, E, R>, timeoutMillis?: number) =>
    it.effect(name, () => Effect.withClock(test(), Clock.make()), timeoutMillis)
