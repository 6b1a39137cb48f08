import { Duration, Effect, Either, Layer, Record } from "effect"
import type { KindDescription } from "../domain/catalog/Kind.ts"
import type { Definition, Template } from "../domain/catalog/Template.ts"
import type { UserId } from "../domain/Ids.ts"
import { PersonalOrgs } from "../services/account/PersonalOrgs.ts"
import type { RateLimits } from "../services/admission/RateLimiter.ts"
import { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
import type { IdentityLinkerOptions } from "../services/identity/IdentityLinker.ts"
import { Health } from "../services/runtime/Health.ts"
import { AccountsMemory } from "./account/AccountsMemory.ts"
import { ApiKeysMemory } from "./account/ApiKeysMemory.ts"
import { AuthMemory } from "./account/AuthMemory.ts"
import { AuthRoutesMemory } from "./account/AuthRoutesMemory.ts"
import { OrgResolverMemory } from "./account/OrgResolverMemory.ts"
import { PersonalOrgsMemory } from "./account/PersonalOrgsMemory.ts"
import { KeptAnswersMemory } from "./admission/KeptAnswersMemory.ts"
import { RateLimiterMemory } from "./admission/RateLimiterMemory.ts"
import { TemplateCatalogMemory } from "./catalog/TemplateCatalogMemory.ts"
import { TemplateOffersMemory } from "./catalog/TemplateOffersMemory.ts"
import { TemplateReaderPure } from "./catalog/TemplateReaderPure.ts"
import { EventsMemory } from "./events/EventsMemory.ts"
import { GatewayMemory } from "./identity/GatewayMemory.ts"
import { IdentityLinkerMemory } from "./identity/IdentityLinkerMemory.ts"
import { InstallCodesMemory } from "./identity/InstallCodesMemory.ts"
import { AdoptionsMemory } from "./installation/AdoptionsMemory.ts"
import { AgentRowsMemory } from "./installation/AgentRowsMemory.ts"
import { InstalledAgentsMemory } from "./installation/InstalledAgentsMemory.ts"
import { RowPairsMemory } from "./installation/RowPairsMemory.ts"
import { TemplateMirrorMemory } from "./installation/TemplateMirrorMemory.ts"
import { WatchersMemory } from "./installation/WatchersMemory.ts"
import { type MemoryState, MemoryStore, MemoryStoreLive } from "./memory/MemoryStore.ts"
import { PublishedTemplatesMemory } from "./publishing/PublishedTemplatesMemory.ts"
import { PublishersMemory } from "./publishing/PublishersMemory.ts"
import { RolloutsMemory, RolloutWorkMemory } from "./rollout/RolloutsMemory.ts"
import { TransactorMemory } from "./runtime/TransactorMemory.ts"

/** A person who has signed up. `session` is the token of their session. */
export interface Person {
  readonly id: UserId
  readonly name: string
  readonly email: string
  readonly session: string
  /** Without a password, nobody can sign in as this person. */
  readonly password?: string | undefined
}

/** A definition that a person made by hand in their own organization. */
export interface AuthoredRow {
  readonly owner: UserId
  readonly definition: Definition
}

/** The initial content of the memory store. Whatever is absent is empty. */
export interface Seed extends Partial<IdentityLinkerOptions> {
  readonly people?: ReadonlyArray<Person> | undefined
  readonly templates?: ReadonlyArray<Template> | undefined
  /** Definitions that people made themselves, each after those that it refers to. */
  readonly rows?: ReadonlyArray<AuthoredRow> | undefined
  /** The budgets; any that is absent allows a thousand tries an hour. */
  readonly limits?: Partial<RateLimits> | undefined
  /** The kinds of definition that are published and mirrored; by default the four of the service. */
  readonly kinds?: ReadonlyArray<KindDescription> | undefined
  /** The chat gateway's token; without one there is no gateway. */
  readonly gatewayToken?: string | undefined
}

const ample = { limit: 1_000, window: Duration.hours(1) }

const limitsOf = (limits: Partial<RateLimits> = {}): RateLimits => ({
  install: ample,
  change: ample,
  read: ample,
  auth: ample,
  password: ample,
  account: ample,
  sender: ample,
  mail: ample,
  ...limits
})

const withRow = (state: MemoryState, { definition, owner }: AuthoredRow): MemoryState => {
  const organizationId = state.organizations.find(({ personalFor }) => personalFor === owner)?.id
  if (organizationId === undefined) throw new Error(`A row is to belong to ${owner}, who is none of the seed's people`)
  const { references, was: _, ...row } = definition
  const idOf = (slug: string) =>
    state.definitions.find((one) => one.organizationId === organizationId && one.slug === slug)?.id ?? null
  return {
    ...state,
    nextId: state.nextId + 1,
    definitions: [
      ...state.definitions,
      { ...row, id: state.nextId, organizationId, deleted: false, references: Record.map(references, idOf) }
    ]
  }
}

const begin = ({ people = [], rows = [], templates = [] }: Seed) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { change } = yield* MemoryStore
      const personalOrgs = yield* PersonalOrgs
      const catalog = yield* TemplateCatalog
      for (const person of people) {
        yield* change((state) =>
          Either.right([undefined, { ...state, users: [...state.users, { ...person, emailVerified: false }] }])
        )
        yield* personalOrgs.ensure(person.id)
      }
      for (const row of rows) yield* change((state) => Either.right([undefined, withRow(state, row)]))
      yield* Effect.forEach(templates, catalog.publish)
    })
  )

/**
 * Every service in memory, for tests here and in programs that depend on this one, with the people and templates of the
 * seed. `MemoryStore` is the state behind them, which tests can read and change.
 */
export const AppMemory = (seed: Seed = {}) =>
  begin(seed).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        AccountsMemory,
        ApiKeysMemory,
        AuthMemory,
        AdoptionsMemory(seed.kinds),
        AgentRowsMemory(seed.kinds),
        EventsMemory,
        AuthRoutesMemory,
        GatewayMemory(seed.gatewayToken),
        IdentityLinkerMemory({ ...seed, defaultCountry: seed.defaultCountry ?? "GB" }),
        InstalledAgentsMemory(seed.kinds),
        InstallCodesMemory,
        KeptAnswersMemory,
        OrgResolverMemory,
        PersonalOrgsMemory,
        PublishersMemory,
        PublishedTemplatesMemory(seed.kinds),
        TemplateReaderPure,
        RateLimiterMemory(limitsOf(seed.limits)),
        RolloutsMemory,
        Layer.provide(RolloutWorkMemory, TemplateMirrorMemory(seed.kinds)),
        RowPairsMemory,
        TemplateCatalogMemory(seed.kinds),
        TemplateMirrorMemory(seed.kinds),
        TemplateOffersMemory(seed.kinds),
        TransactorMemory,
        WatchersMemory,
        Layer.succeed(Health, Health.of({ ready: Effect.void, noteFault: () => Effect.void }))
      )
    ),
    Layer.provideMerge(MemoryStoreLive)
  )
