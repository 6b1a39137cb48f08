import { Effect, Either, Layer } from "effect"
import { OrganizationId, Slug } from "../../domain/Ids.ts"
import { numberedSlug, personalSlug, reservedSlugs } from "../../domain/Slug.ts"
import { shownName } from "../../domain/Text.ts"
import { PersonalOrgs } from "../../services/account/PersonalOrgs.ts"
import {
  type IdentityRecord,
  isPersonal,
  type MemoryState,
  MemoryStore,
  type OrganizationRecord,
  type UserRecord
} from "../memory/MemoryStore.ts"

const freeSlug = ({ organizations }: MemoryState, user: UserRecord) => {
  const base = personalSlug(user)
  for (let n = 1; ; n++) {
    const slug = numberedSlug(base, n)
    if (!reservedSlugs.has(slug) && !organizations.some((known) => known.slug === slug && isPersonal(known)))
      return Slug.make(slug)
  }
}

const ensure = (state: MemoryState, user: UserRecord): MemoryState => {
  const existing = state.organizations.find((known) => known.personalFor === user.id && isPersonal(known))
  const organization: OrganizationRecord = existing ?? {
    id: OrganizationId.make(`org_${state.nextId}`),
    slug: freeSlug(state, user),
    name: shownName(user.name),
    visibility: "private",
    personalFor: user.id
  }
  const others = state.members.filter(
    (member) => member.organizationId === organization.id && member.userId !== user.id
  )
  if (others.some(({ role }) => role === "owner")) return state

  const identity = (namespace: string, identifier: string, verified: boolean): IdentityRecord => ({
    organizationId: organization.id,
    user: user.id,
    namespace,
    identifier,
    state: verified ? "verified" : "claimed"
  })
  const emailTaken = state.identities.some(
    (known) =>
      known.namespace === "email" &&
      known.identifier === user.email &&
      known.state === "verified" &&
      known.user !== user.id
  )
  return {
    ...state,
    nextId: state.nextId + 1,
    organizations: existing === undefined ? [...state.organizations, organization] : state.organizations,
    members: [
      ...state.members.filter((member) => member.organizationId !== organization.id || member.userId !== user.id),
      { organizationId: organization.id, userId: user.id, role: "owner" }
    ],
    identities: [
      ...state.identities.filter(
        (known) => known.user !== user.id || (known.namespace !== "auth_user_id" && known.namespace !== "email")
      ),
      identity("auth_user_id", user.id, true),
      identity("email", user.email, user.emailVerified && !emailTaken)
    ]
  }
}

/** Personal organizations in memory. */
export const PersonalOrgsMemory = Layer.effect(
  PersonalOrgs,
  Effect.map(MemoryStore, ({ change }) =>
    PersonalOrgs.of({
      ensure: (userId) =>
        change((state) => {
          const user = state.users.find(({ id }) => id === userId)
          return Either.right([undefined, user === undefined ? state : ensure(state, user)])
        })
    })
  )
)
