import { Clock, DateTime, Effect, Either, Layer } from "effect"
import { IdentityId, LinkId, type LookupResult, maxAgents } from "../../domain/identity/Identity.ts"
import {
  decideLink,
  eventsOf,
  type LinkChanges,
  type LinkEvent,
  type LinkEventName
} from "../../domain/identity/Link.ts"
import {
  isAsked,
  isWaiting,
  type KnownIdentifier,
  type KnownLink,
  type LinkFacts
} from "../../domain/identity/LinkFacts.ts"
import { decideLookup, type LookupFacts } from "../../domain/identity/Lookup.ts"
import { ownIdentifiers, ownIdentities } from "../../domain/identity/OwnIdentities.ts"
import { jidOf, readPhone } from "../../domain/identity/Phone.ts"
import { canonical, type Namespace, type Platform, platformOf } from "../../domain/identity/Platform.ts"
import { isOneOf } from "../../domain/identity/Sender.ts"
import { type Identifier, identifiersOf } from "../../domain/identity/WaId.ts"
import { IdentityLinker, type IdentityLinkerOptions, type Person } from "../../services/identity/IdentityLinker.ts"
import { type IdentityRecord, type LinkRecord, type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"

type Owner = Pick<IdentityRecord, "organizationId" | "user">

const entityOf = ({ user }: Pick<Owner, "user">) => `member-${user}`

const isOf =
  ({ organizationId, user }: Owner) =>
  (one: Owner) =>
    one.organizationId === organizationId && one.user === user

const idOf = ({ id }: IdentityRecord) => IdentityId.make(String(id ?? 0))

const knownLink = ({ id, open, platform, ...link }: LinkRecord): KnownLink => ({
  ...link,
  id: LinkId.make(id),
  entityId: entityOf(link),
  platform: platform as Platform,
  closed: !open
})

const knownIdentifier = (identity: IdentityRecord): ReadonlyArray<KnownIdentifier> =>
  platformOf(identity.namespace) === undefined
    ? []
    : [
        {
          ...identity,
          id: idOf(identity),
          entityId: entityOf(identity),
          linkId: identity.link === undefined ? null : LinkId.make(identity.link),
          namespace: identity.namespace as Namespace,
          orphaned: false
        }
      ]

/** Whose links an event is about: a person's, or those of the person of a link. */
const ownerOf = (state: MemoryState, about: Person | LinkId): Owner | undefined =>
  typeof about === "string"
    ? state.links.find(({ id }) => id === about)
    : state.identities.find(
        ({ namespace, ...identity }) =>
          namespace === "auth_user_id" && isOf({ organizationId: about.organizationId, user: about.userId })(identity)
      )

const factsOf = (state: MemoryState, about: Person | LinkId, now: number): LinkFacts => {
  const owner = ownerOf(state, about)
  const email = state.users.find(({ id }) => id === owner?.user)?.email ?? null
  return {
    now,
    nextLinkId: LinkId.make(`link_${state.nextId}`),
    person: owner === undefined ? null : { entityId: entityOf(owner), email },
    links: state.links.map(knownLink),
    identifiers: state.identities.flatMap(knownIdentifier),
    refusals: owner === undefined ? [] : state.refusals.filter(isOf(owner)),
    linkSender: state.links.find(({ id }) => id === about)?.sender ?? []
  }
}

const changed = (state: MemoryState, owner: Owner, changes: LinkChanges): MemoryState => {
  const { link } = changes
  const endedLinks = new Set<string | undefined>(changes.endedLinks)
  const endedIdentities = new Set(changes.endedIdentities)
  const displaced = new Set(changes.displaced)
  const isForgiven = isOneOf([...changes.forgiven, ...changes.refused])
  const before = state.links.find(({ id }) => id === link?.id)
  const has = isOneOf(state.identities.filter((identity) => link !== null && identity.link === link.id))
  const added = (link?.identifiers ?? [])
    .filter((one) => !has(one))
    .map(
      ({ address, identifier, namespace }, at): IdentityRecord => ({
        organizationId: owner.organizationId,
        user: owner.user,
        namespace,
        identifier,
        address,
        state: "claimed",
        link: link?.id,
        id: state.nextId + 1 + at
      })
    )
  const asChanged = (identity: IdentityRecord): IdentityRecord => {
    if (displaced.has(idOf(identity))) return { ...identity, state: "displaced" }
    if (link === null || identity.link !== link.id) return identity
    const shown = link.identifiers.find((one) => isOneOf([one])(identity))
    const address = shown?.address ?? identity.address
    return { ...identity, address, state: link.verified && shown !== undefined ? "verified" : identity.state }
  }
  return {
    ...state,
    nextId: state.nextId + 1 + added.length,
    links: [
      ...state.links.filter(({ id }) => id !== link?.id),
      ...(link === null
        ? []
        : [
            {
              id: link.id,
              organizationId: owner.organizationId,
              user: owner.user,
              platform: link.platform,
              origin: link.origin,
              senderAgreed: link.senderAgreed,
              personAgreed: link.personAgreed,
              expiresAt: link.expiresAt,
              open: !link.verified,
              sender: [...(before?.sender ?? []), ...added]
            }
          ])
    ].map((one) => (endedLinks.has(one.id) ? { ...one, open: false } : one)),
    identities: [...state.identities, ...added]
      .filter((one) => !endedIdentities.has(idOf(one)) && (one.state === "displaced" || !endedLinks.has(one.link)))
      .map(asChanged),
    refusals: [
      ...state.refusals.filter((refusal) => !isOf(owner)(refusal) || !isForgiven(refusal)),
      ...changes.refused.map(({ identifier, namespace }) => ({
        organizationId: owner.organizationId,
        user: owner.user,
        namespace,
        identifier
      }))
    ]
  }
}

const handle =
  <Name extends LinkEventName>(about: Person | LinkId, event: LinkEvent<Name>) =>
  (state: MemoryState, now: number) => {
    const facts = factsOf(state, about, now)
    return Either.map(decideLink(facts, event), ({ answer, changes }) => {
      const owner = ownerOf(state, about)
      if (owner === undefined || changes === null) return [answer, state] as const
      const at = DateTime.unsafeMake(now)
      const events = eventsOf(facts, changes).flatMap(({ entityId, event }) =>
        state.identities
          .filter((one) => one.namespace === "auth_user_id" && entityOf(one) === entityId)
          .slice(0, 1)
          .map(({ organizationId }) => ({ ...event, organizationId, at }))
      )
      const next = changed(state, owner, changes)
      return [answer, { ...next, events: [...next.events, ...events] }] as const
    })
  }

const lookupFacts = (
  state: MemoryState,
  asked: Identifier,
  template: string | undefined,
  now: number
): LookupFacts | undefined => {
  const about = state.identities.filter(isOneOf([asked]))
  const verified = about.find((identity) => identity.state === "verified")
  const claims = about.flatMap((identity) => {
    const link = state.links.find(({ id }) => id === identity.link)
    if (identity.state !== "claimed" || link === undefined || !isWaiting(knownLink(link), now)) return []
    const refused = state.refusals.some((one) => isOf(identity)(one) && isOneOf([asked])(one))
    return isAsked(link.origin, refused) ? [{ identity, link }] : []
  })
  const whose = verified ?? claims[0]?.identity
  const user = state.users.find(({ id }) => id === whose?.user)
  const organization = state.organizations.find(({ id }) => id === whose?.organizationId)
  if (user === undefined || organization === undefined) return undefined
  const others = state.identities.filter(
    (one) => verified?.link !== undefined && one.link === verified.link && one.state === "verified" && one.address
  )
  const other = others.find(({ namespace }) => namespace === "wa_jid") ?? others.at(-1)
  const templateId = state.agents.find(({ id, slug }) => slug === template || id === template)?.id ?? null
  return {
    proof:
      verified === undefined
        ? null
        : { id: idOf(verified), address: verified.address ?? null, otherAddress: other?.address ?? null },
    claims: claims.map(({ identity, link: { id, origin, senderAgreed } }) => ({
      id: idOf(identity),
      entityId: entityOf(identity),
      linkId: LinkId.make(id),
      origin,
      senderAgreed,
      address: identity.address ?? null
    })),
    owner: {
      userId: user.id,
      name: user.name,
      email: user.email,
      organizationId: organization.id,
      organizationSlug: organization.slug,
      memberEntityId: entityOf({ user: user.id }),
      agents: state.agents
        .filter(({ organizationId }) => organizationId === organization.id)
        .filter((agent) => template === undefined || agent.templateAgentId === templateId)
        .slice(0, maxAgents)
        .map(({ id, templateAgentId }) => ({ agentId: id, templateAgentId: templateAgentId ?? null }))
    }
  }
}

/** Identities in memory. */
export const IdentityLinkerMemory = ({ defaultCountry, routeOnClaim = false }: IdentityLinkerOptions) =>
  Layer.effect(
    IdentityLinker,
    Effect.map(MemoryStore, ({ change }) => {
      const atNow = <A, E>(next: (state: MemoryState, now: number) => Either.Either<readonly [A, MemoryState], E>) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => change((state) => next(state, now)))
      return IdentityLinker.of({
        claimPhone: ({ country, phone: typed, ...person }) =>
          Effect.gen(function* () {
            const phone = yield* readPhone(typed, country ?? defaultCountry)
            const sender = { platform: "whatsapp" as const, identifiers: identifiersOf(phone) }
            const state = yield* atNow(
              handle(person, { event: "typed", organizationId: person.organizationId, sender })
            )
            return { phone, waJid: jidOf(phone), verified: state === "verified", state }
          }),
        list: (person) =>
          atNow((state, now) =>
            Either.right([ownIdentities(ownIdentifiers(factsOf(state, person, now))), state] as const)
          ),
        confirm: ({ id, ...person }) => atNow(handle(person, { event: "confirmed", id })),
        unlink: ({ id, ...person }) => atNow(handle(person, { event: "unlinked", id })),
        challenge: ({ sender, ...person }) =>
          atNow(handle(person, { event: "code", organizationId: person.organizationId, sender })),
        answer: ({ linkId, sender, yes }) => atNow(handle(linkId, { event: "answered", linkId, sender, yes })),
        lookup: ({ identities, template }) =>
          atNow((state, now) => {
            const addresses = new Map<string, string>()
            const results = identities.map(({ identifier, namespace }): LookupResult => {
              const asked = canonical(namespace, identifier)
              const facts = asked === undefined ? undefined : lookupFacts(state, asked, template, now)
              if (asked === undefined || facts === undefined) return null
              const { newAddress, result } = decideLookup(asked, facts, routeOnClaim)
              if (facts.proof !== null && newAddress !== null) addresses.set(facts.proof.id, newAddress)
              return result
            })
            const moved = state.identities.map((identity) => ({
              ...identity,
              address: addresses.get(idOf(identity)) ?? identity.address
            }))
            return Either.right([results, { ...state, identities: moved }] as const)
          })
      })
    })
  )
