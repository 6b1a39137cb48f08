import { Clock, Duration, Effect, Either, Layer } from "effect"
import { IdentityNotFound, IdentityTaken, NoMember, PendingNotFound } from "../../domain/Errors.ts"
import {
  type ClaimedPhone,
  type Found,
  IdentityId,
  mostAgents,
  PendingId,
  promptOf
} from "../../domain/identity/Identity.ts"
import {
  claimFor,
  isSameSender,
  isUnproved,
  ownIdentities,
  ownIdentity,
  pendingFor,
  type Standing,
  standingWith
} from "../../domain/identity/Link.ts"
import { jidOf, readPhone } from "../../domain/identity/Phone.ts"
import { canonical, type Namespace, type Platform, platformOf } from "../../domain/identity/Platform.ts"
import { type Identifier, identifiersOf } from "../../domain/identity/WaId.ts"
import {
  IdentityLinker,
  type IdentityLinkerOptions,
  type Me,
  type Opened,
  type Own,
  type Sender
} from "../../services/identity/IdentityLinker.ts"
import { type IdentityRecord, type LinkRecord, type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"

const isMine =
  ({ organizationId, userId }: Me) =>
  ({ organizationId: organization, user }: { readonly organizationId: string; readonly user: string }) =>
    organization === organizationId && user === userId

const isIn = (identifiers: ReadonlyArray<Identifier>) => (identity: Identifier) =>
  identifiers.some(
    ({ identifier, namespace }) => namespace === identity.namespace && identifier === identity.identifier
  )

const isKnown = ({ identities }: MemoryState, me: Me) =>
  identities.some((identity) => identity.namespace === "auth_user_id" && isMine(me)(identity))

const isWaiting = (link: LinkRecord, now: number) => link.open && link.expiresAt > now

/** Whether the sender of a typed claim has said no to its person before. */
const isRefused = ({ refusals }: MemoryState, { namespace, identifier, organizationId, user }: IdentityRecord) =>
  refusals.some(
    (refusal) => isMine({ organizationId, userId: user })(refusal) && isIn([{ namespace, identifier }])(refusal)
  )

/** Ends links and, of their identifiers, those that `ends` says. */
const close = (
  state: MemoryState,
  ids: ReadonlySet<string>,
  ends = ({ link }: IdentityRecord) => link !== undefined && ids.has(link)
): MemoryState => ({
  ...state,
  links: state.links.map((link) => (ids.has(link.id) ? { ...link, open: false } : link)),
  identities: state.identities.filter((identity) => !ends(identity))
})

const withLink = (
  state: MemoryState,
  link: Omit<LinkRecord, "id" | "open" | "sender">,
  identifiers: ReadonlyArray<Identifier>
): readonly [id: string, state: MemoryState] => {
  const id = `link_${state.nextId}`
  return [
    id,
    addTo(
      { ...state, nextId: state.nextId + 1, links: [...state.links, { ...link, id, open: true, sender: [] }] },
      id,
      identifiers
    )
  ]
}

/** Adds what a link has not yet; the address of what it has is the one that was shown last. */
const addTo = (state: MemoryState, linkId: string, identifiers: ReadonlyArray<Identifier>): MemoryState => {
  const link = state.links.find(({ id }) => id === linkId)
  if (link === undefined) return state
  const { organizationId, user } = link
  const shownAs = ({ identifier, link: of, namespace }: IdentityRecord) =>
    of === linkId
      ? identifiers.find((one) => one.namespace === namespace && one.identifier === identifier)?.address
      : undefined
  const has = (one: Identifier) =>
    state.identities.some((identity) => identity.link === linkId && isIn([one])(identity))
  const added = identifiers
    .filter((one) => !has(one))
    .map(
      ({ address, identifier, namespace }, at): IdentityRecord => ({
        organizationId,
        user,
        namespace,
        identifier,
        address,
        state: "claimed",
        link: linkId,
        id: state.nextId + at
      })
    )
  return {
    ...state,
    nextId: state.nextId + added.length,
    links: state.links.map((one) => (one === link ? { ...link, sender: [...link.sender, ...added] } : one)),
    identities: [
      ...state.identities.map((identity) => ({ ...identity, address: shownAs(identity) ?? identity.address })),
      ...added
    ]
  }
}

const withAgreement = (state: MemoryState, id: string, agreed: Partial<LinkRecord>): MemoryState => ({
  ...state,
  links: state.links.map((link) => (link.id === id ? { ...link, ...agreed } : link))
})

/** Both have agreed: the link's identifiers are the person's, nobody else's, and nobody is asked about them any more. */
const verify = (before: MemoryState, id: string): MemoryState => {
  const link = before.links.find((one) => one.id === id)
  if (link === undefined) return before
  const fresh = before.identities.filter((identity) => identity.link === id)
  const isAbout = isIn(fresh)
  const questions = before.links.filter(
    (other) =>
      other.open &&
      other.id !== id &&
      before.identities.some((one) => one.link === other.id && one.state === "claimed" && isAbout(one))
  )
  const state = close(before, new Set(questions.map((question) => question.id)))
  const me = { organizationId: link.organizationId, userId: link.user }
  const mine = isMine(me)
  const namespaces = new Set(fresh.map(({ namespace }) => namespace))
  const own = state.identities.filter((identity) => mine(identity) && identity.link !== id)
  const same = own.filter(
    (identity) => isIn(fresh)(identity) || (identity.state === "verified" && namespaces.has(identity.namespace))
  )
  const ended = new Set(same.flatMap(({ link: of, state: at }) => (of === undefined || at === "displaced" ? [] : [of])))
  const touched = new Set([id, ...same.flatMap(({ link: of }) => (of === undefined ? [] : [of]))])
  const closed = close(
    state,
    touched,
    (identity) =>
      same.includes(identity) ||
      (identity.link !== undefined && ended.has(identity.link) && identity.state !== "displaced")
  )
  return {
    ...closed,
    identities: closed.identities.map((identity): IdentityRecord => {
      if (identity.link === id) return { ...identity, state: "verified" }
      const lost = identity.state === "verified" && !mine(identity) && isIn(fresh)(identity)
      return lost ? { ...identity, state: "displaced" } : identity
    })
  }
}

const findMine = (state: MemoryState, me: Me, now: number): ReadonlyArray<Standing> =>
  state.identities.filter(isMine(me)).flatMap((identity): ReadonlyArray<Standing> => {
    const platform = platformOf(identity.namespace)
    const link = state.links.find(({ id }) => id === identity.link)
    if (platform === undefined) return []
    if (identity.state === "claimed" && link !== undefined && link.expiresAt <= now) return []
    const unproved =
      link?.senderAgreed === true
        ? "confirm_session"
        : link?.origin === "typed" && isRefused(state, identity)
          ? "declined"
          : "claimed"
    return [
      {
        id: IdentityId.make(String(identity.id)),
        linkId: identity.link ?? null,
        platform,
        namespace: identity.namespace as Namespace,
        identifier: identity.identifier,
        state: identity.state === "claimed" ? unproved : identity.state
      }
    ]
  })

const group = (state: MemoryState, { id, ...me }: Own, now: number): ReadonlyArray<Standing> =>
  standingWith(findMine(state, me, now), id)

const confirm =
  (own: Own, now: number) =>
  (state: MemoryState): Either.Either<readonly [ReturnType<typeof ownIdentity>, MemoryState], IdentityNotFound> => {
    const [first] = group(state, own, now)
    if (first === undefined) return Either.left(new IdentityNotFound())
    const link = state.links.find(({ id }) => id === first.linkId)
    if (link === undefined || !isUnproved(first.state) || !isWaiting(link, now)) {
      return Either.right([ownIdentity(group(state, own, now)), state])
    }
    const agreed = withAgreement(state, link.id, { personAgreed: true })
    const next = link.senderAgreed ? verify(agreed, link.id) : agreed
    return Either.right([ownIdentity(group(next, own, now)), next])
  }

const unlink =
  (own: Own, now: number) =>
  (state: MemoryState): Either.Either<readonly [undefined, MemoryState], IdentityNotFound> => {
    const rows = group(state, own, now)
    if (rows.length === 0) return Either.left(new IdentityNotFound())
    const ids = new Set<string>(rows.map(({ id }) => id))
    const links = new Set(rows.flatMap((row) => (row.linkId !== null && isUnproved(row.state) ? [row.linkId] : [])))
    return Either.right([undefined, close(state, links, ({ id }) => id !== undefined && ids.has(String(id)))])
  }

const open =
  (me: Me, { identifiers, platform }: Sender, now: number) =>
  (state: MemoryState): Either.Either<readonly [Opened, MemoryState], NoMember> => {
    const user = state.users.find(({ id }) => id === me.userId)
    if (user === undefined || !isKnown(state, me)) {
      return Either.left(new NoMember({ organizationId: me.organizationId }))
    }
    const mine = state.identities.filter((identity) => isMine(me)(identity) && isIn(identifiers)(identity))
    if (mine.filter((identity) => identity.state === "verified").length === identifiers.length) {
      return Either.right(["already_linked_here", state])
    }
    const earlier = state.links.filter(
      ({ id, open: isOpen, origin }) => isOpen && origin === "code" && mine.some(({ link }) => link === id)
    )
    const [id, next] = withLink(
      close(state, new Set(earlier.map((link) => link.id))),
      {
        organizationId: me.organizationId,
        user: me.userId,
        platform,
        origin: "code",
        senderAgreed: false,
        personAgreed: false,
        expiresAt: now + Duration.toMillis(pendingFor)
      },
      identifiers
    )
    return Either.right([{ pendingId: PendingId.make(id), email: user.email }, next])
  }

const answer =
  (pendingId: PendingId, { identifiers, platform }: Sender, yes: boolean, now: number) =>
  (
    state: MemoryState
  ): Either.Either<readonly ["verified" | "confirm_session" | "declined", MemoryState], PendingNotFound> => {
    const link = state.links.find(({ id }) => id === pendingId)
    if (link === undefined || link.platform !== platform || !isSameSender(link.sender, identifiers)) {
      return Either.left(new PendingNotFound())
    }
    const { organizationId, user } = link
    const mine = isMine({ organizationId, userId: user })
    const sender = [...link.sender, ...identifiers]
    const ofSender = state.identities.filter((identity) => mine(identity) && isIn(sender)(identity))
    const isVerified = ({ state: at }: IdentityRecord) => at === "verified"
    const refusals = state.refusals.filter((refusal) => !mine(refusal) || !isIn(sender)(refusal))
    if (!yes) {
      if (!isWaiting(link, now) && ofSender.some(isVerified)) return Either.left(new PendingNotFound())
      const ended = state.links.filter(({ id, open: isOpen }) => isOpen && ofSender.some((one) => one.link === id))
      const refused = sender.map(({ identifier, namespace }) => ({ organizationId, user, namespace, identifier }))
      return Either.right([
        "declined",
        { ...close(state, new Set(ended.map(({ id }) => id))), refusals: [...refusals, ...refused] }
      ])
    }
    if (!isWaiting(link, now)) {
      return ofSender.some((identity) => identity.link === link.id && isVerified(identity))
        ? Either.right(["verified", state])
        : Either.left(new PendingNotFound())
    }
    const met = addTo({ ...state, refusals }, link.id, identifiers)
    const all = met.identities.filter((identity) => identity.link === link.id)
    const personAgreed =
      link.personAgreed ||
      state.identities.some(
        (identity) =>
          mine(identity) &&
          isIn(all)(identity) &&
          (identity.state === "verified" ||
            (identity.state === "claimed" &&
              state.links.some((one) => one.id === identity.link && one.origin === "typed" && isWaiting(one, now))))
      )
    const agreed = withAgreement(met, link.id, { senderAgreed: true, personAgreed })
    return Either.right(personAgreed ? ["verified", verify(agreed, link.id)] : ["confirm_session", agreed])
  }

const route = (
  state: MemoryState,
  one: Identifier,
  template: string | undefined,
  routeOnClaim: boolean,
  now: number
) => {
  const rows = state.identities.filter(isIn([one]))
  const verified = rows.find((identity) => identity.state === "verified")
  const claims = rows.flatMap((identity) => {
    const link = state.links.find(({ id }) => id === identity.link)
    if (identity.state !== "claimed" || link === undefined || !isWaiting(link, now)) return []
    return link.origin === "typed" && isRefused(state, identity) ? [] : [{ identity, link }]
  })
  const [first] = claims
  const lone = first !== undefined && claims.every(({ link }) => link.user === first.link.user) ? first : undefined
  const identity = verified ?? lone?.identity
  if (identity === undefined) return undefined
  const user = state.users.find(({ id }) => id === identity.user)
  const organization = state.organizations.find(({ id }) => id === identity.organizationId)
  if (user === undefined || organization === undefined) return undefined
  const routed = verified !== undefined || (routeOnClaim && claims.some(({ link }) => link.origin === "typed"))
  const prompt =
    verified === undefined && lone !== undefined ? promptOf(user.email, PendingId.make(lone.link.id)) : undefined
  const templateId =
    template === undefined ? undefined : state.agents.find(({ id, slug }) => slug === template || id === template)?.id
  const agents = state.agents
    .filter(
      (agent) =>
        agent.organizationId === organization.id &&
        (template === undefined || (templateId !== undefined && agent.templateAgentId === templateId))
    )
    .slice(0, mostAgents)
    .map(({ id, templateAgentId }) => ({ agentId: id, templateAgentId: templateAgentId ?? null }))
  const shown = one.namespace === "phone" ? undefined : one.address
  const others =
    rows.length === 0
      ? []
      : state.identities.filter(
          (other) => other.link === identity.link && other.state === "verified" && other.address !== undefined
        )
  const other = others.find(({ namespace }) => namespace === "wa_jid") ?? others.at(-1)
  const seen = shown ?? identity.address ?? (verified === undefined ? undefined : other?.address)
  const whole = {
    person: { userId: user.id, name: user.name },
    organization: { id: organization.id, slug: organization.slug },
    memberEntityId: `member-${user.id}`,
    agents,
    answerTo: seen ?? null
  }
  const found: Found =
    prompt === undefined
      ? { verified: true, ...whole }
      : routed
        ? { verified: false, ...whole, prompt }
        : { verified: false, prompt }
  return {
    found,
    moved: verified !== undefined && shown !== undefined ? { identity: verified, address: shown } : undefined
  }
}

/** Identities of the world. */
export const IdentityLinkerMemory = ({ defaultCountry, routeOnClaim = false }: IdentityLinkerOptions) =>
  Layer.effect(
    IdentityLinker,
    Effect.map(MemoryStore, ({ change }) => {
      const atNow = <A, E>(
        next: (now: number) => (state: MemoryState) => Either.Either<readonly [A, MemoryState], E>
      ) => Effect.flatMap(Clock.currentTimeMillis, (now) => change(next(now)))
      return IdentityLinker.of({
        claimPhone: ({ country, organizationId, phone: typed, userId }) =>
          Effect.gen(function* () {
            const phone = yield* readPhone(typed, country ?? defaultCountry)
            const wanted = identifiersOf(phone)
            const me = { organizationId, userId }
            const linked = (state: ClaimedPhone["state"]) => ({
              phone,
              waJid: jidOf(phone),
              verified: state === "verified",
              state
            })
            const now = yield* Clock.currentTimeMillis
            const expiresAt = now + Duration.toMillis(claimFor)
            return yield* change<ClaimedPhone, NoMember | IdentityTaken>((state) => {
              if (!isKnown(state, me)) return Either.left(new NoMember({ organizationId }))
              const proved = state.identities.filter(
                (identity) => identity.state === "verified" && isIn(wanted)(identity)
              )
              if (proved.some((identity) => !isMine(me)(identity))) return Either.left(new IdentityTaken())
              const typedLinks = state.links.filter(
                (link) => link.open && link.origin === "typed" && link.platform === "whatsapp" && isMine(me)(link)
              )
              const standing = typedLinks.filter(
                (link) =>
                  isWaiting(link, now) &&
                  state.identities.some((identity) => identity.link === link.id && isIn(wanted)(identity))
              )
              const kept = close(
                state,
                new Set(typedLinks.flatMap((link) => (standing.includes(link) ? [] : [link.id])))
              )
              const isNo = state.refusals.some((refusal) => isMine(me)(refusal) && isIn(wanted)(refusal))
              const standsAs = proved.length > 0 ? "verified" : isNo ? "declined" : "claimed"
              if (proved.length > 0 || standing.length > 0) {
                const links = kept.links.map((link) => (standing.includes(link) ? { ...link, expiresAt } : link))
                return Either.right([linked(standsAs), { ...kept, links }])
              }
              const [, next] = withLink(
                kept,
                {
                  organizationId,
                  user: userId,
                  platform: "whatsapp" satisfies Platform,
                  origin: "typed",
                  senderAgreed: false,
                  personAgreed: true,
                  expiresAt
                },
                wanted
              )
              return Either.right([linked(standsAs), next])
            })
          }),
        mine: (me) =>
          atNow((now) => (state) => Either.right([ownIdentities(findMine(state, me, now)), state] as const)),
        confirm: (own) => atNow((now) => confirm(own, now)),
        unlink: (own) => atNow((now) => unlink(own, now)),
        open: ({ sender, ...me }) => atNow((now) => open(me, sender, now)),
        answer: ({ pendingId, sender, yes }) => atNow((now) => answer(pendingId, sender, yes, now)),
        lookup: ({ identities, template }) =>
          atNow((now) => (state) => {
            const found = identities.map(({ identifier, namespace }) => {
              const one = canonical(namespace, identifier)
              return one === undefined ? undefined : route(state, one, template, routeOnClaim, now)
            })
            const moved = new Map(
              found.flatMap((one) =>
                one?.moved === undefined ? [] : [[one.moved.identity, one.moved.address] as const]
              )
            )
            const next = {
              ...state,
              identities: state.identities.map((identity) => {
                const address = moved.get(identity)
                return address === undefined ? identity : { ...identity, address }
              })
            }
            return Either.right([found.map((one): Found => one?.found ?? null), next] as const)
          })
      })
    })
  )
