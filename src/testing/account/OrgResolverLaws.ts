import assert from "node:assert/strict"
import { Effect } from "effect"
import { type AgentId, type OrganizationId, UserId } from "../../domain/Ids.ts"
import { type Organization, OrgResolver } from "../../services/account/OrgResolver.ts"
import { type Law, law, type NeedsOf, newName } from "../Law.ts"

/** What the laws do besides asking. */
export interface OrgResolverHands<R> {
  /** Somebody new, with an organization of their own. */
  readonly newPerson: Effect.Effect<{ readonly userId: UserId; readonly organization: Organization }, never, R>
  /** Gives somebody another role in an organization. */
  readonly setRole: (
    organizationId: OrganizationId,
    userId: UserId,
    role: "owner" | "admin" | "member"
  ) => Effect.Effect<void, never, R>
  /** Makes the organization public. */
  readonly makePublic: (organization: Organization) => Effect.Effect<void, never, R>
  /** Publishes a template of that slug, in a public organization. */
  readonly publish: (slug: string) => Effect.Effect<AgentId, never, R>
  /** Makes the organization private that published the template. */
  readonly hide: (slug: string) => Effect.Effect<void, never, R>
}

const lawsWith = <R>({
  hide,
  makePublic,
  newPerson,
  publish,
  setRole
}: OrgResolverHands<R>): ReadonlyArray<Law<OrgResolver | R>> => {
  const refusal = (userId: UserId) =>
    Effect.flatMap(OrgResolver, (orgs) => Effect.map(Effect.flip(orgs.personalOrg(userId)), ({ _tag }) => _tag))
  return [
    law(
      "finds each person's own organization, always the same",
      Effect.gen(function* () {
        const orgs = yield* OrgResolver
        const [one, other] = [yield* newPerson, yield* newPerson]
        for (const { organization, userId } of [one, other, one]) {
          assert.deepEqual({ ...(yield* orgs.personalOrg(userId)) }, { ...organization })
        }
        assert.notEqual(one.organization.id, other.organization.id)
      })
    ),
    law(
      "answers each of many who ask at once for themselves",
      Effect.gen(function* () {
        const orgs = yield* OrgResolver
        const slugs = [newName("shown"), newName("shown")]
        const templates = yield* Effect.forEach(slugs, publish)
        const people = yield* Effect.replicateEffect(newPerson, 4)
        const found = yield* Effect.forEach(
          Array.from({ length: 24 }, (_, at) => ({ person: people[at % 4], slug: slugs[at % 2] ?? "", at })),
          ({ at, person, slug }) => {
            const userId = person?.userId ?? UserId.make("nobody")
            return at % 5 === 0
              ? orgs.personalOrg(userId).pipe(Effect.map(({ id }) => [id]))
              : orgs.resolve({ userId, slug }).pipe(Effect.map((one) => [one.organization.id, one.templateAgentId]))
          },
          { concurrency: "unbounded" }
        )
        for (const [at, answer] of found.entries()) {
          const id = people[at % 4]?.organization.id
          assert.deepEqual(answer, at % 5 === 0 ? [id] : [id, templates[at % 2]])
        }
      })
    ),
    law(
      "counts an organization only for its owner",
      Effect.gen(function* () {
        const { organization, userId } = yield* newPerson
        yield* setRole(organization.id, userId, "member")
        assert.equal(yield* refusal(userId), "NoPersonalOrg")
      })
    ),
    law(
      "does not count one that has become public",
      Effect.gen(function* () {
        const { organization, userId } = yield* newPerson
        yield* makePublic(organization)
        assert.equal(yield* refusal(userId), "NoPersonalOrg")
      })
    ),
    law(
      "finds a template by its slug with the person's own organization, and refuses an unknown slug first",
      Effect.gen(function* () {
        const orgs = yield* OrgResolver
        const shown = newName("shown")
        const templateAgentId = yield* publish(shown)
        const [{ organization, userId }, homeless] = [yield* newPerson, yield* newPerson]
        yield* setRole(homeless.organization.id, homeless.userId, "member")
        const resolved = yield* orgs.resolve({ userId, slug: shown })
        assert.deepEqual([resolved.templateAgentId, resolved.organization.id], [templateAgentId, organization.id])
        const refusals = (slug: string) =>
          Effect.forEach([userId, homeless.userId], (one) =>
            Effect.map(Effect.flip(orgs.resolve({ userId: one, slug })), ({ _tag }) => _tag)
          )
        assert.equal((yield* Effect.flip(orgs.resolve({ userId: homeless.userId, slug: shown })))._tag, "NoPersonalOrg")
        yield* hide(shown)
        for (const slug of [shown, newName("nowhere"), "", "a\u0000b"]) {
          assert.deepEqual(yield* refusals(slug), ["UnknownTemplateSlug", "UnknownTemplateSlug"])
        }
      })
    )
  ]
}

/** What every `OrgResolver` promises. */
export const orgResolverLaws = <Hands extends OrgResolverHands<unknown>>(hands: Hands) =>
  lawsWith(hands as OrgResolverHands<unknown> as OrgResolverHands<NeedsOf<Hands>>)
