import { describe, it } from "@effect/vitest"
import { Auth, type Organization, OrgResolver, type ResolvedTemplate } from "agent-install/account"
import { type KeptAnswer, KeptAnswers, RateLimitExceeded, RateLimiter } from "agent-install/admission"
import { TemplateCatalog } from "agent-install/catalog"
import { type ClaimedPhone, IdentityLinker, IdentityTaken, NoMember, WaJid } from "agent-install/identity"
import { NoPersonalOrg, OrganizationId, Slug, UnknownTemplateSlug, UserId } from "agent-install/installation"
import { Transactor } from "agent-install/runtime"
import {
  AppMemory,
  authLaws,
  identityLinkerLaws,
  keptAnswersLaws,
  type Law,
  type MemoryState,
  MemoryStore,
  orgResolverLaws,
  person,
  rateLimiterLaws,
  template,
  transactorLaws
} from "agent-install/testing"
import { Cause, type Context, Duration, Effect, Either, Exit, FiberRef, Layer, Redacted, TestClock } from "effect"
import { caught } from "./caught.ts"

type World = Layer.Layer.Success<ReturnType<typeof AppMemory>>

const limits = { install: { limit: 3, window: Duration.minutes(1) } }
const world = Layer.orDie(AppMemory({ limits }))

const update = (next: (state: MemoryState) => MemoryState) =>
  Effect.flatMap(MemoryStore, ({ change }) => change((state) => Either.right([undefined, next(state)])))

let people = 0

/** Somebody who is signed in, with an organization of their own. */
const newPerson = Effect.gen(function* () {
  const { id: userId, ...rest } = person(`Somebody ${++people}`)
  yield* update((state) => ({ ...state, users: [...state.users, { ...rest, id: userId, emailVerified: false }] }))
  const organization: Organization = { id: OrganizationId.make(`org-${userId}`), slug: Slug.make(userId) }
  yield* update((state) => ({
    ...state,
    organizations: [
      ...state.organizations,
      { ...organization, name: userId, visibility: "private", personalFor: userId }
    ],
    members: [...state.members, { organizationId: organization.id, userId, role: "owner" }],
    identities: [
      ...state.identities,
      {
        organizationId: organization.id,
        user: userId,
        namespace: "auth_user_id",
        identifier: userId,
        state: "verified"
      }
    ]
  }))
  return { userId, organization, session: rest.session }
})

const setVisibility = (slug: string, visibility: "public" | "private") =>
  update((state) => ({
    ...state,
    organizations: state.organizations.map((one) => (one.slug === slug ? { ...one, visibility } : one))
  }))

/** The world with a service that was changed; what it was is there to build on. */
const broken = <Id extends World, S extends object>(
  tag: Context.Tag<Id, S>,
  change: (right: S, state: typeof MemoryStore.Service) => Partial<S>
): Layer.Layer<World> =>
  Layer.provideMerge(
    Layer.effect(
      tag,
      Effect.zipWith(tag, MemoryStore, (right, store) => ({ ...right, ...change(right, store) }))
    ),
    world
  ) as Layer.Layer<World>

const inMemory = (
  service: string,
  laws: ReadonlyArray<Law<World>>,
  breaches: Readonly<Record<string, Layer.Layer<World>>>
) => {
  caught(service, laws, breaches)
  describe(`the laws of ${service}`, () => {
    for (const { holds, name } of laws) it.effect(`${name}: it holds in memory`, () => Effect.provide(holds, world))
  })
}

/** Asks for whoever came last, when many ask at once. */
const forTheLast = <A, B, E>(ask: (asked: A) => Effect.Effect<B, E>) => {
  let last: A
  return (asked: A) =>
    Effect.suspend(() => {
      last = asked
      return Effect.zipRight(
        Effect.yieldNow(),
        Effect.suspend(() => ask(last))
      )
    })
}

inMemory(
  "RateLimiter",
  rateLimiterLaws({ ...limits.install, policy: "install", otherPolicy: "auth", elapse: TestClock.adjust }),
  {
    "lets a key spend its budget, counts down, and says when the next try may pass": broken(
      RateLimiter,
      ({ take }) => ({
        take: (policy, key) => Effect.map(take(policy, key), (status) => ({ ...status, remaining: status.limit }))
      })
    ),
    "lets exactly the budget pass of many at once": broken(RateLimiter, ({ giveBack, take }) => ({
      // Looks first and counts later: many look before anybody has counted.
      take: (policy, key) =>
        Effect.gen(function* () {
          const status = yield* take(policy, key)
          yield* giveBack(policy, key)
          yield* Effect.yieldNow()
          return yield* Effect.orElseSucceed(take(policy, key), () => status)
        })
    })),
    "counts the tries of many keys at once for each key": broken(RateLimiter, ({ take }) => {
      const takeOfTheLast = forTheLast((key: string) => take("install", key))
      return { take: (_, key) => takeOfTheLast(key) }
    }),
    "does not spend what it refuses: the window slides with the tries that passed": broken(RateLimiter, ({ take }) => ({
      take: (policy, key) =>
        Effect.mapError(take(policy, key), (error) => new RateLimitExceeded({ ...error, retryAfter: error.window }))
    })),
    "takes a try back that does not count, and no other key's": broken(RateLimiter, ({ giveBack }) => ({
      giveBack: (_, key) => giveBack("install", key)
    })),
    "keeps keys and policies apart": broken(RateLimiter, ({ take }) => ({ take: (_, key) => take("install", key) }))
  }
)

const withoutBody = { fingerprint: "" }

inMemory("KeptAnswers", keptAnswersLaws({ newPerson, elapse: TestClock.adjust }), {
  "does the work once, and gives its answer again to whoever repeats the request": broken(KeptAnswers, () => ({
    once: (_, work) => Effect.map(work, (answer) => ({ answer, isRepeated: false }))
  })),
  "keeps callers, operations and keys apart": broken(KeptAnswers, ({ once }) => ({
    once: (request, work) => once({ ...request, operation: "any" }, work)
  })),
  "refuses a key that comes with another body, and does nothing for it": broken(KeptAnswers, ({ once }) => ({
    once: (request, work) => once({ ...request, ...withoutBody }, work)
  })),
  "forgets what failed, died or was cut off, so that it can be tried again": broken(KeptAnswers, ({ once }) => {
    const seen = new Set<string>()
    return {
      once: (request, work) => {
        const name = Redacted.value(request.key)
        if (seen.has(name)) return Effect.die("was tried before")
        seen.add(name)
        return once(request, work)
      }
    }
  }),
  "passes a refusal on as it is": broken(KeptAnswers, ({ once }) => ({
    once: (request, work) =>
      once(
        request,
        Effect.orDieWith(work, () => "failed")
      )
  })),
  "refuses a repetition while the work is being done, and answers it afterwards": broken(KeptAnswers, ({ once }) => ({
    // Looks first: whoever comes meanwhile does the work as well.
    once: (request, work) =>
      Effect.catchTag(once(request, work), "IdempotencyKeyInUse", () =>
        Effect.map(work, (answer) => ({ answer, isRepeated: false }))
      )
  })),
  "does the work once for many that come at once": broken(KeptAnswers, ({ once }) => ({
    once: (request, work) => Effect.flatMap(work, (answer) => once(request, Effect.succeed(answer)))
  })),
  "keeps an answer for a day, and no longer": broken(KeptAnswers, () => {
    const kept = new Map<string, KeptAnswer>()
    return {
      once: (request, work) => {
        const answer = kept.get(Redacted.value(request.key))
        return answer === undefined
          ? Effect.map(work, (answer) => {
              kept.set(Redacted.value(request.key), answer)
              return { answer, isRepeated: false }
            })
          : Effect.succeed({ answer, isRepeated: true })
      }
    }
  })
})

const bearerOf = (session: string) => ({ bearer: `Bearer ${session}`, cookie: `session=${session}` })

inMemory("Auth", authLaws({ signUp: () => Effect.map(newPerson, ({ session }) => bearerOf(session)) }), {
  "knows a person by bearer token and by cookie, as the same": broken(Auth, ({ identify }) => ({
    identify: ({ authorization }) => identify({ authorization })
  })),
  "tells people apart": broken(Auth, ({ identify }) => ({
    identify: (credential) =>
      Effect.map(identify(credential), (known) => ({ ...known, userId: UserId.make("anybody") }))
  })),
  "answers each of many who ask at once for themselves": broken(Auth, ({ identify }) => ({
    identify: forTheLast(identify)
  })),
  "refuses nothing, nonsense, a token changed by a letter and another scheme": broken(Auth, ({ identify }) => ({
    identify: ({ authorization, cookie }) => {
      const token = authorization === undefined ? "" : Redacted.value(authorization).replace(/^\w+ /, "")
      return identify({ cookie, authorization: authorization && Redacted.make(`Bearer ${token}`) })
    }
  })),
  "looks at the bearer token alone where there is one": broken(Auth, ({ identify }) => ({
    identify: (credential) => Effect.orElse(identify(credential), () => identify({ cookie: credential.cookie }))
  }))
})

/** Organizations by the part of the rule that is left of it. */
const ownBy = (
  isOwn: (state: MemoryState, organization: MemoryState["organizations"][number], userId: UserId) => boolean
) =>
  broken(OrgResolver, (_, { read }) => ({
    personalOrg: (userId) =>
      Effect.flatMap(
        read((state) => state.organizations.find((one) => isOwn(state, one, userId))),
        (found): Effect.Effect<Organization, NoPersonalOrg> =>
          found === undefined ? new NoPersonalOrg({ userId }) : Effect.succeed({ id: found.id, slug: found.slug })
      )
  }))

inMemory(
  "OrgResolver",
  orgResolverLaws({
    newPerson,
    setRole: (organizationId, userId, role) =>
      update((state) => ({
        ...state,
        members: state.members.map((one) =>
          one.organizationId === organizationId && one.userId === userId ? { ...one, role } : one
        )
      })),
    makePublic: ({ slug }) => setVisibility(slug, "public"),
    publish: (slug) =>
      Effect.flatMap(TemplateCatalog, (catalog) =>
        Effect.map(Effect.orDie(catalog.publish(template(slug))), ({ templateAgentId }) => templateAgentId)
      ),
    hide: (slug) => setVisibility(`${slug}-publisher`, "private")
  }),
  {
    "finds each person's own organization, always the same": ownBy((_, { personalFor }) => personalFor !== undefined),
    "answers each of many who ask at once for themselves": broken(OrgResolver, ({ personalOrg, resolve }) => ({
      personalOrg: forTheLast(personalOrg),
      resolve: forTheLast(resolve)
    })),
    "counts an organization only for its owner": ownBy(
      (_, { personalFor, visibility }, userId) => personalFor === userId && visibility === "private"
    ),
    "does not count one that has become public": ownBy(
      ({ members }, { id, personalFor }, userId) =>
        personalFor === userId && members.some((one) => one.organizationId === id && one.role === "owner")
    ),
    "finds a template by its slug with the person's own organization, and refuses an unknown slug first": broken(
      OrgResolver,
      ({ personalOrg }, { read }) => ({
        // Looks at no organization's visibility.
        resolve: ({ slug, userId }) =>
          Effect.flatMap(
            read(({ agents }) => agents.find((one) => one.slug === slug)),
            (found): Effect.Effect<ResolvedTemplate, UnknownTemplateSlug | NoPersonalOrg> =>
              found === undefined
                ? new UnknownTemplateSlug({ slug })
                : Effect.map(personalOrg(userId), (organization) => ({ organization, templateAgentId: found.id }))
          )
      })
    )
  }
)

const wrongPhone: ClaimedPhoneOf = (phone) => ({
  phone: phone as never,
  waJid: WaJid.make("447911123456@s.whatsapp.net"),
  verified: false,
  state: "claimed"
})
type ClaimedPhoneOf = (phone: string) => ClaimedPhone

/** Puts back the identities that a claim ended. */
const restoring = <A, E>({ change, read }: typeof MemoryStore.Service, claim: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const before = yield* read(({ identities }) => identities)
    yield* Effect.yieldNow()
    const claimed = yield* claim
    yield* change((state) =>
      Either.right([
        undefined,
        { ...state, identities: [...state.identities, ...before.filter((one) => !state.identities.includes(one))] }
      ])
    )
    return claimed
  })

inMemory(
  "IdentityLinker",
  identityLinkerLaws({
    newPerson,
    identities: (organizationId) =>
      Effect.flatMap(MemoryStore, ({ read }) =>
        read(({ identities }) => identities.filter((one) => one.organizationId === organizationId))
      ),
    verifyPhones: (organizationId) =>
      update((state) => ({
        ...state,
        identities: state.identities.map((one) =>
          one.organizationId === organizationId ? { ...one, state: "verified" } : one
        ),
        links: state.links.map((one) =>
          one.organizationId === organizationId ? { ...one, open: false, senderAgreed: true } : one
        )
      }))
  }),
  {
    "claims the phone and its WhatsApp address, once": broken(IdentityLinker, ({ claimPhone }) => ({
      claimPhone: (claim) =>
        Effect.map(claimPhone(claim), (claimed) => ({ ...claimed, waJid: WaJid.make("447911999999@s.whatsapp.net") }))
    })),
    "reads a national number by the country that is named": broken(IdentityLinker, ({ claimPhone }) => ({
      claimPhone: ({ country: _, ...claim }) => claimPhone(claim)
    })),
    "ends the claim of an earlier number": broken(IdentityLinker, ({ claimPhone }, store) => ({
      claimPhone: (claim) => restoring(store, claimPhone(claim))
    })),
    "leaves one claim of many made at once": broken(IdentityLinker, ({ claimPhone }, { change, read }) => {
      let busy = 0
      // Where others are at it, writes its claim once more a moment later.
      const twice = (claim: Parameters<typeof claimPhone>[0]) =>
        Effect.gen(function* () {
          const claimed = yield* claimPhone(claim)
          const mine = yield* read(({ identities }) => identities.filter((one) => one.identifier === claimed.phone))
          yield* Effect.sleep("2 millis")
          yield* change((state) =>
            Either.right([undefined, { ...state, identities: [...new Set([...state.identities, ...mine])] }])
          )
          return claimed
        })
      return {
        claimPhone: (claim) =>
          Effect.acquireUseRelease(
            Effect.sync(() => ++busy),
            (at) => (at > 1 ? twice(claim) : Effect.zipRight(Effect.yieldNow(), claimPhone(claim))),
            () => Effect.sync(() => --busy)
          )
      }
    }),
    "lets a claim block nobody": broken(IdentityLinker, ({ claimPhone }, { read }) => ({
      claimPhone: (claim) =>
        Effect.gen(function* () {
          const claimed = yield* claimPhone(claim)
          const isTaken = yield* read(({ identities }) =>
            identities.some((one) => one.identifier === claimed.phone && one.user !== claim.userId)
          )
          return isTaken ? yield* new IdentityTaken() : claimed
        })
    })),
    "refuses a number that is verified for another organization, and keeps what there was": broken(
      IdentityLinker,
      ({ claimPhone }) => ({
        claimPhone: (claim) =>
          Effect.catchTag(claimPhone(claim), "IdentityTaken", () => Effect.succeed(wrongPhone(claim.phone)))
      })
    ),
    "refuses what is no phone, and says why": broken(IdentityLinker, ({ claimPhone }) => ({
      claimPhone: (claim) => Effect.catchTag(claimPhone(claim), "InvalidPhone", () => new NoMember(claim))
    })),
    "refuses where nothing stands for the person": broken(IdentityLinker, ({ claimPhone }) => ({
      claimPhone: (claim) =>
        Effect.catchTag(claimPhone(claim), "NoMember", () => Effect.succeed(wrongPhone(claim.phone)))
    }))
  }
)

const isInside = FiberRef.unsafeMake(false)

inMemory(
  "Transactor",
  transactorLaws({
    write: (subject) => update((state) => ({ ...state, mails: [...state.mails, { subject, to: "", text: "" }] })),
    writeElsewhere: (name) => update((state) => ({ ...state, hits: { ...state.hits, [name]: [1] } })),
    written: (name) =>
      Effect.flatMap(MemoryStore, ({ read }) =>
        read(
          ({ hits, mails }) =>
            [mails.filter(({ subject }) => subject === name).length, (hits[name] ?? []).length] as const
        )
      )
  }),
  {
    "keeps all that was written where the effect succeeds": broken(Transactor, ({ atomically }) => ({
      atomically: (effect) => Effect.flip(atomically(Effect.flip(effect)))
    })),
    "keeps nothing where it fails, and passes the failure on": broken(Transactor, ({ atomically }) => ({
      atomically: (effect) => Effect.flatten(atomically(Effect.either(effect)))
    })),
    "keeps nothing where it dies or is interrupted": broken(Transactor, ({ atomically }) => ({
      atomically: (effect) =>
        Effect.flatten(
          atomically(
            Effect.matchCauseEffect(effect, {
              onFailure: (cause) =>
                Cause.isFailure(cause) ? Effect.failCause(cause) : Effect.succeed(Exit.failCause(cause)),
              onSuccess: (value) => Effect.succeed(Exit.succeed(value))
            })
          )
        )
    })),
    "takes back the inner step alone where only that fails": broken(Transactor, ({ atomically }) => ({
      atomically: (effect) =>
        Effect.flatMap(FiberRef.get(isInside), (inside) =>
          inside ? effect : atomically(Effect.locally(effect, isInside, true))
        )
    }))
  }
)
