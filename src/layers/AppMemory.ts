import { Effect, Either, Layer } from "effect"
import type { KindDescription } from "../domain/catalog/Kind.ts"
import type { Template } from "../domain/catalog/Template.ts"
import type { UserId } from "../domain/Ids.ts"
import { PersonalOrgs } from "../services/account/PersonalOrgs.ts"
import type { RateLimits } from "../services/admission/RateLimiter.ts"
import { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
import type { IdentityLinkerOptions } from "../services/identity/IdentityLinker.ts"
import { Health } from "../services/runtime/Health.ts"
import { AccountsMemory } from "./account/AccountsMemory.ts"
import { AuthMemory } from "./account/AuthMemory.ts"
import { OrgResolverMemory } from "./account/OrgResolverMemory.ts"
import { PersonalOrgsMemory } from "./account/PersonalOrgsMemory.ts"
import { RateLimiterMemory } from "./admission/RateLimiterMemory.ts"
import { TemplateCatalogMemory } from "./catalog/TemplateCatalogMemory.ts"
import { TemplateOffersMemory } from "./catalog/TemplateOffersMemory.ts"
import { EventsMemory } from "./events/EventsMemory.ts"
import { GatewayMemory } from "./identity/GatewayMemory.ts"
import { IdentityLinkerMemory } from "./identity/IdentityLinkerMemory.ts"
import { InstallCodesMemory } from "./identity/InstallCodesMemory.ts"
import { InstalledAgentsMemory } from "./installation/InstalledAgentsMemory.ts"
import { RowPairsMemory } from "./installation/RowPairsMemory.ts"
import { TemplateMirrorMemory } from "./installation/TemplateMirrorMemory.ts"
import { WatchersMemory } from "./installation/WatchersMemory.ts"
import { MemoryStore, MemoryStoreLive } from "./memory/MemoryStore.ts"
import { RolloutsMemory, RolloutWorkMemory } from "./rollout/RolloutsMemory.ts"
import { TransactorMemory } from "./runtime/TransactorMemory.ts"

/** Somebody who has signed up. `session` is the token they are signed in with. */
export interface Person {
  readonly id: UserId
  readonly name: string
  readonly email: string
  readonly session: string
  /** Without one, nobody can prove to be that person. */
  readonly password?: string | undefined
}

/** What there is when a world begins. */
export interface Seed extends IdentityLinkerOptions {
  readonly people: ReadonlyArray<Person>
  readonly templates: ReadonlyArray<Template>
  readonly limits: RateLimits
  /** The kinds of definition that are published and mirrored; absent: the four of the service. */
  readonly kinds?: ReadonlyArray<KindDescription> | undefined
  /** What the chat gateway shows; absent means that nobody is the gateway. */
  readonly gatewayToken?: string | undefined
}

const begin = ({ people, templates }: Seed) =>
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
      yield* Effect.forEach(templates, catalog.publish)
    })
  )

/**
 * Every service in memory, for tests here and in programs that depend on this one: people who have signed up, templates
 * that are published. `MemoryStore` is the state behind them, to look into and to change.
 */
export const AppMemory = (seed: Seed) =>
  begin(seed).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        AccountsMemory,
        AuthMemory,
        EventsMemory,
        GatewayMemory(seed.gatewayToken),
        IdentityLinkerMemory(seed),
        InstalledAgentsMemory(seed.kinds),
        InstallCodesMemory,
        OrgResolverMemory,
        PersonalOrgsMemory,
        RateLimiterMemory(seed.limits),
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
