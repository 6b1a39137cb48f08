import { Effect, Either, Layer } from "effect"
import type { UserId } from "../domain/Ids.ts"
import type { Template } from "../domain/Template.ts"
import { Health } from "../services/Health.ts"
import type { IdentityLinkerOptions } from "../services/IdentityLinker.ts"
import { PersonalOrgs } from "../services/PersonalOrgs.ts"
import type { RateLimits } from "../services/RateLimiter.ts"
import { TemplateCatalog } from "../services/TemplateCatalog.ts"
import { AuthMemory } from "./AuthMemory.ts"
import { GatewayMemory } from "./GatewayMemory.ts"
import { IdentityLinkerMemory } from "./IdentityLinkerMemory.ts"
import { InstallCodesMemory } from "./InstallCodesMemory.ts"
import { InstalledAgentsMemory } from "./InstalledAgentsMemory.ts"
import { OrgResolverMemory } from "./OrgResolverMemory.ts"
import { PersonalOrgsMemory } from "./PersonalOrgsMemory.ts"
import { RateLimiterMemory } from "./RateLimiterMemory.ts"
import { TemplateCatalogMemory } from "./TemplateCatalogMemory.ts"
import { TemplateMirrorMemory } from "./TemplateMirrorMemory.ts"
import { TransactorMemory } from "./TransactorMemory.ts"
import { World, WorldLive } from "./World.ts"

/** Somebody who has signed up. `session` is the token they are signed in with. */
export interface Person {
  readonly id: UserId
  readonly name: string
  readonly email: string
  readonly session: string
}

/** What there is when a world begins. */
export interface Seed extends IdentityLinkerOptions {
  readonly people: ReadonlyArray<Person>
  readonly templates: ReadonlyArray<Template>
  readonly limits: RateLimits
  /** What the chat gateway shows; absent means that nobody is the gateway. */
  readonly gatewayToken?: string | undefined
}

const begin = ({ people, templates }: Seed) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { change } = yield* World
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
 * that are published. `World` is the state behind them, to look into and to change.
 */
export const AppMemory = (seed: Seed) =>
  begin(seed).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        AuthMemory,
        GatewayMemory(seed.gatewayToken),
        IdentityLinkerMemory(seed),
        InstalledAgentsMemory,
        InstallCodesMemory,
        OrgResolverMemory,
        PersonalOrgsMemory,
        RateLimiterMemory(seed.limits),
        TemplateCatalogMemory,
        TemplateMirrorMemory,
        TransactorMemory,
        Layer.succeed(Health, Health.of({ ready: Effect.void, met: () => Effect.void }))
      )
    ),
    Layer.provideMerge(WorldLive)
  )
