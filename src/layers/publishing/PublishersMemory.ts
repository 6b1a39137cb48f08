import { DateTime, Effect, Either, Layer, Random, Redacted } from "effect"
import { InvitationNotFound, LimitReached } from "../../domain/Errors.ts"
import { OrganizationId, type UserId } from "../../domain/Ids.ts"
import { joinedAs, mayChange } from "../../domain/publishing/MayPublish.ts"
import { type CreatedPublisher, invitationDays, mostMembers, type Role } from "../../domain/publishing/Publisher.ts"
import { NoSuchAccount, NotAPublisher } from "../../services/publishing/CreatePublisherErrors.ts"
import { Publishers } from "../../services/publishing/Publishers.ts"
import { isPersonal, type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"

const byText =
  <A>(text: (one: A) => string) =>
  (a: A, b: A) =>
    text(a) < text(b) ? -1 : 1

const organizationOf = ({ organizations }: MemoryState, slug: string) =>
  organizations.find((one) => one.slug === slug && !isPersonal(one))

const roleOf = ({ members }: MemoryState, organizationId: OrganizationId, userId: UserId | null): Role | null =>
  members.find((one) => one.organizationId === organizationId && one.userId === userId)?.role ?? null

const membershipOf = (state: MemoryState, organizationId: OrganizationId, userId: UserId) => ({
  role: roleOf(state, organizationId, userId),
  owners: state.members.filter((one) => one.organizationId === organizationId && one.role === "owner").length
})

/** The members after somebody gets that role, or leaves (none). */
const withRole = (
  { members }: MemoryState,
  member: Pick<MemoryState["members"][number], "organizationId" | "userId" | "since">,
  role: Role | null
): MemoryState["members"] => {
  const { organizationId, userId } = member
  const isThey = (one: MemoryState["members"][number]) => one.organizationId === organizationId && one.userId === userId
  if (role === null) return members.filter((one) => !isThey(one))
  return members.some(isThey)
    ? members.map((one) => (isThey(one) ? { ...one, role } : one))
    : [...members, { ...member, role }]
}

const randomToken = Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, 26), 22), (letters) =>
  "".concat(...letters.map((letter) => String.fromCharCode(97 + letter)))
)

/** The invitation of that account with that token, and what it is for. */
const invitationOf = (state: MemoryState, userId: UserId, token: Redacted.Redacted<string>, now: DateTime.Utc) => {
  const email = state.users.find(({ id }) => id === userId)?.email
  const invitation = state.invitations.find(
    (one) => one.token === Redacted.value(token) && one.email === email && DateTime.greaterThan(one.expiresAt, now)
  )
  const organization = state.organizations.find(({ id }) => id === invitation?.organizationId)
  if (invitation === undefined || organization === undefined) return undefined
  const { id, name, slug } = organization
  return { invitation, publisher: { id, slug, name, role: invitation.role } }
}

/** Publishers in memory. */
export const PublishersMemory = Layer.effect(
  Publishers,
  Effect.map(MemoryStore, ({ change, read }) => {
    /** Changes the state at the current time. */
    const changeAt = <A, E = never>(
      next: (state: MemoryState, now: DateTime.Utc) => Either.Either<readonly [A, MemoryState], E>
    ) => Effect.flatMap(DateTime.now, (now) => change<A, E>((state) => next(state, now)))
    return Publishers.of({
      create: (slug, email) =>
        changeAt<CreatedPublisher, NoSuchAccount | NotAPublisher>((state, now) => {
          const account = state.users.find((one) => one.email === email.toLowerCase())
          if (account === undefined) return Either.left(new NoSuchAccount({ email }))
          const known = organizationOf(state, slug)
          if (known?.visibility === "private") return Either.left(new NotAPublisher({ slug }))
          const id = known?.id ?? OrganizationId.make(`org_${state.nextId}`)
          const organization = known ?? { id, slug, name: slug, visibility: "public" as const }
          const { emailVerified, name } = account
          const member = { organizationId: id, userId: account.id, since: now }
          return Either.right([
            {
              publisher: { id, slug, name: organization.name },
              owner: { name, email: account.email, emailVerified },
              created: known === undefined
            },
            {
              ...state,
              nextId: state.nextId + 1,
              organizations: known === undefined ? [...state.organizations, organization] : state.organizations,
              members: withRole(state, member, "owner")
            }
          ])
        }),
      facts: (slug, userId) =>
        read((state) => {
          const found = organizationOf(state, slug)
          if (found === undefined) return { publisher: null, role: null }
          const { id, name, visibility } = found
          return {
            publisher: { id, slug: found.slug, name, isPublic: visibility === "public" },
            role: roleOf(state, id, userId)
          }
        }),
      list: (userId) =>
        read((state) =>
          state.organizations
            .flatMap(({ id, name, slug, visibility }) => {
              const role = roleOf(state, id, userId)
              return role === null || visibility === "private" ? [] : [{ id, slug, name, role }]
            })
            .sort(byText(({ slug }) => slug))
        ),
      members: (organizationId) =>
        Effect.flatMap(DateTime.now, (now) =>
          read((state) => ({
            members: state.members
              .flatMap(({ organizationId: of, role, since, userId }) => {
                const user = state.users.find(({ id }) => id === userId)
                return of === organizationId && user !== undefined
                  ? [{ userId, name: user.name, email: user.email, role, since: since ?? now }]
                  : []
              })
              .sort(byText(({ name, userId }) => `${name} ${userId}`)),
            invitations: state.invitations
              .filter((one) => one.organizationId === organizationId && DateTime.greaterThan(one.expiresAt, now))
              .map(({ email, expiresAt, id, role }) => ({ id, email, role, expiresAt }))
              .sort(byText(({ email }) => email))
          }))
        ),
      change: (organizationId, userId, role) =>
        changeAt((state, since) =>
          Either.map(mayChange(membershipOf(state, organizationId, userId), userId, role), () => [
            undefined,
            { ...state, members: withRole(state, { organizationId, userId, since }, role) }
          ])
        ),
      invite: (organizationId, { email: written, role }) =>
        Effect.flatMap(randomToken, (token) =>
          changeAt((state, now) => {
            const email = written.trim().toLowerCase()
            const others = state.invitations.filter(
              (one) => one.organizationId !== organizationId || one.email !== email
            )
            const open = others.filter(
              (one) => one.organizationId === organizationId && DateTime.greaterThan(one.expiresAt, now)
            )
            const members = state.members.filter((one) => one.organizationId === organizationId)
            if (open.length + members.length >= mostMembers) {
              return Either.left(new LimitReached({ what: "members", limit: mostMembers }))
            }
            const id = `invitation_${state.nextId}`
            const expiresAt = DateTime.add(now, { days: invitationDays })
            const invitation = { id, organizationId, email, role, token, expiresAt }
            return Either.right([
              { id, token: Redacted.make(token), expiresAt },
              { ...state, nextId: state.nextId + 1, invitations: [...others, invitation] }
            ])
          })
        ),
      withdraw: (organizationId, id) =>
        change((state) => {
          const others = state.invitations.filter((one) => one.id !== id || one.organizationId !== organizationId)
          return others.length === state.invitations.length
            ? Either.left(new InvitationNotFound())
            : Either.right([undefined, { ...state, invitations: others }])
        }),
      invited: (userId, token) =>
        Effect.flatMap(DateTime.now, (now) =>
          Effect.flatMap(
            read((state) => invitationOf(state, userId, token, now)),
            (found) => (found === undefined ? new InvitationNotFound() : Effect.succeed(found.publisher))
          )
        ),
      join: (userId, token) =>
        changeAt((state, now) => {
          const found = invitationOf(state, userId, token, now)
          if (found === undefined) return Either.left(new InvitationNotFound())
          const { invitation, publisher } = found
          const role = joinedAs(membershipOf(state, publisher.id, userId), publisher.role)
          return Either.right([
            { ...publisher, role },
            {
              ...state,
              members: withRole(state, { organizationId: publisher.id, userId, since: now }, role),
              invitations: state.invitations.filter((one) => one !== invitation)
            }
          ])
        })
    })
  })
)
