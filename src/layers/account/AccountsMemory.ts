import { Clock, DateTime, Duration, Effect, Either, Layer, Option, Redacted, Stream } from "effect"
import type { HeldRow } from "../../domain/account/Account.ts"
import { decideDeletion, type OrganizationFacts, referredTo } from "../../domain/account/Deletion.ts"
import { ownPasswordKey } from "../../domain/admission/Budget.ts"
import { OrganizationInUse, Unauthenticated, WrongPassword } from "../../domain/Errors.ts"
import type { OrganizationId, UserId } from "../../domain/Ids.ts"
import { Accounts } from "../../services/account/Accounts.ts"
import { isPersonal, type MemoryState, MemoryStore, sessionId, type UserRecord } from "../memory/MemoryStore.ts"

/** How long a session lasts, as in better-auth. */
const sessionDays = Duration.days(7)

const factsOf = (state: MemoryState, userId: UserId): ReadonlyArray<OrganizationFacts> => {
  const roleIn = (id: OrganizationId) =>
    state.members.find((member) => member.organizationId === id && member.userId === userId)?.role ?? null
  const mine = state.organizations.flatMap((organization) => {
    const personal = isPersonal(organization) && organization.personalFor === userId
    const role = roleIn(organization.id)
    return personal || role !== null ? [{ ...organization, personal, role }] : []
  })
  const ids = new Set(mine.map(({ id }) => id))
  return mine
    .map(({ id, name, personal, role, slug }) => {
      const inIt = <A extends { readonly organizationId: OrganizationId }>(rows: ReadonlyArray<A>) =>
        rows.filter(({ organizationId }) => organizationId === id)
      const others = inIt(state.members).filter((member) => member.userId !== userId)
      const templates = new Set(inIt(state.agents).map((agent) => agent.id))
      const holders = (
        rows: ReadonlyArray<{ readonly organizationId: OrganizationId; readonly of: string | undefined }>
      ) => [
        ...new Set(
          rows.flatMap(({ of, organizationId }) =>
            of !== undefined && organizationId !== id && [...templates].some((template) => template === of)
              ? [organizationId]
              : []
          )
        )
      ]
      const installed = holders(state.agents.map((agent) => ({ ...agent, of: agent.templateAgentId })))
      const kept = holders(state.ledger.map((row) => ({ ...row, of: row.templateAgentId })))
      return {
        organizationId: id,
        organizationSlug: slug,
        name,
        personal,
        role,
        otherOwners: others.filter((member) => member.role === "owner").length,
        otherMembers: others.length,
        agents: templates.size,
        definitions: inIt(state.definitions).filter((row) => !row.deleted && !row.slug.startsWith("$")).length,
        // Entities are rows of other programs, of which the memory store knows only what they refer to.
        entities: 0,
        identities: inIt(state.identities).filter(({ namespace }) => namespace !== "auth_user_id").length,
        installedElsewhere: installed.filter((one) => !ids.has(one)).length,
        keptElsewhere: kept.some((one) => !ids.has(one)),
        installedIn: installed.filter((one) => ids.has(one))
      }
    })
    .sort((a, b) => Number(b.personal) - Number(a.personal) || (a.organizationSlug < b.organizationSlug ? -1 : 1))
}

const budgetsOf = (state: MemoryState, userId: UserId) =>
  Object.entries(state.hits).filter(([key]) =>
    [`install:${userId}`, `change:${userId}`, `password:${ownPasswordKey(userId)}`].includes(key)
  )

const heldBy = (state: MemoryState, user: UserRecord): ReadonlyArray<HeldRow> => {
  const going = new Set(
    decideDeletion(factsOf(state, user.id)).organizations.map(({ organizationId }) => organizationId)
  )
  const inIt = <A extends { readonly organizationId: OrganizationId }>(rows: ReadonlyArray<A>) =>
    rows.filter(({ organizationId }) => going.has(organizationId))
  const agents = inIt(state.agents)
  const ofAgents = <A extends { readonly templateAgentId: string }>(rows: ReadonlyArray<A>) =>
    rows.filter(({ templateAgentId }) => agents.some(({ id }) => id === templateAgentId))
  const { password: _, session, ...account } = user
  const tables: ReadonlyArray<readonly [table: string, rows: ReadonlyArray<unknown>]> = [
    ["user", [account]],
    ["session", session === "" ? [] : [{ id: sessionId(user), userId: user.id }]],
    ["organization", state.organizations.filter(({ id }) => going.has(id))],
    ["member", state.members.filter(({ userId }) => userId === user.id)],
    ["apikey", inIt(state.keys).map(({ text: _, ...one }) => one)],
    [
      "invitations",
      state.invitations
        .filter(({ email, organizationId }) => going.has(organizationId) || email === user.email)
        .map(({ token: _, ...one }) => one)
    ],
    ["agents", agents],
    ["template_revisions", ofAgents(state.revisions)],
    ["template_revision_rows", ofAgents(state.revisionRows)],
    ...[...new Set(inIt(state.definitions).map(({ kind }) => kind))].map(
      (kind) => [kind, inIt(state.definitions).filter((row) => row.kind === kind)] as const
    ),
    ["entity_identities", inIt(state.identities)],
    ["identity_links", inIt(state.links)],
    ["identity_refusals", inIt(state.refusals)],
    ["install_tokens", state.codes.filter((one) => one.user === user.id).map(({ code: _, ...one }) => one)],
    ["mirror_ledger", inIt(state.ledger)],
    [
      "mirror_history",
      [
        ...inIt(state.history),
        ...state.history
          .filter(({ organizationId, userId }) => userId === user.id && !going.has(organizationId))
          .map(({ rows: _, ...entry }) => entry)
      ]
    ],
    ["rate_limits", budgetsOf(state, user.id).map(([key, hits]) => ({ key, hits }))]
  ]
  return tables.flatMap(([table, rows]) => rows.map((row) => ({ table, row: JSON.stringify(row) })))
}

/** The state without the person and those organizations. */
const without = (state: MemoryState, { id }: UserRecord, organizations: ReadonlyArray<OrganizationId>): MemoryState => {
  const stays = ({ organizationId }: { readonly organizationId: OrganizationId }) =>
    !organizations.includes(organizationId)
  const agents = state.agents.filter(stays)
  const hasTemplate = ({ templateAgentId }: { readonly templateAgentId: string }) =>
    agents.some((agent) => agent.id === templateAgentId)
  const budgets = new Set(budgetsOf(state, id).map(([key]) => key))
  return {
    ...state,
    users: state.users.filter((user) => user.id !== id),
    organizations: state.organizations.filter((organization) => !organizations.includes(organization.id)),
    members: state.members.filter((member) => stays(member) && member.userId !== id),
    agents,
    definitions: state.definitions.filter(stays),
    revisions: state.revisions.filter(hasTemplate),
    revisionRows: state.revisionRows.filter(hasTemplate),
    ledger: state.ledger.filter(stays),
    history: state.history.filter((entry) => stays(entry) && hasTemplate(entry)),
    identities: state.identities.filter(
      (one) => stays(one) && !(one.namespace === "auth_user_id" && one.identifier === id)
    ),
    links: state.links.filter(stays),
    refusals: state.refusals.filter(stays),
    keys: state.keys.filter(stays),
    invitations: state.invitations.filter(stays),
    codes: state.codes.filter((code) => code.user !== id && hasTemplate(code)),
    hits: Object.fromEntries(Object.entries(state.hits).filter(([key]) => !budgets.has(key)))
  }
}

/** Accounts in memory. A session here has no stored times: it begins when it is read. */
export const AccountsMemory = Layer.effect(
  Accounts,
  Effect.map(MemoryStore, ({ change, read }) => {
    const userOf = (state: MemoryState, userId: UserId) => state.users.find(({ id }) => id === userId)
    const found = (userId: UserId) =>
      Effect.filterOrFail(
        read((state) => userOf(state, userId)),
        (user) => user !== undefined,
        () => new Unauthenticated()
      )
    return Accounts.of({
      withEmail: (email) =>
        read(({ users }) =>
          Option.fromNullable(users.find((user) => user.email.toLowerCase() === email.toLowerCase())?.id)
        ),
      view: (userId, asking) =>
        Effect.gen(function* () {
          const user = yield* found(userId)
          const now = DateTime.unsafeMake(yield* Clock.currentTimeMillis)
          const session = {
            id: sessionId(user),
            current: sessionId(user) === asking,
            createdAt: now,
            expiresAt: DateTime.addDuration(now, sessionDays),
            ipAddress: null,
            userAgent: null
          }
          const { email, emailVerified, name } = user
          return { name, email, emailVerified, createdAt: now, sessions: user.session === "" ? [] : [session] }
        }),
      held: (userId) =>
        Stream.unwrap(
          read((state) => {
            const user = userOf(state, userId)
            return Stream.fromIterable(user === undefined ? [] : heldBy(state, user))
          })
        ),
      planDeletion: (userId) =>
        Effect.flatMap(found(userId), ({ email, session }) =>
          read((state) => ({
            email,
            sessions: session === "" ? 0 : 1,
            ...decideDeletion(factsOf(state, userId))
          }))
        ),
      delete: (userId, password) =>
        change(
          (
            state
          ): Either.Either<readonly [undefined, MemoryState], Unauthenticated | WrongPassword | OrganizationInUse> => {
            const user = userOf(state, userId)
            if (user === undefined) return Either.left(new Unauthenticated())
            if (user.password !== Redacted.value(password)) return Either.left(new WrongPassword())
            const { obstacles, organizations } = decideDeletion(factsOf(state, userId))
            if (obstacles.length > 0) return Either.left(new OrganizationInUse({ organizations: obstacles }))
            const ids = organizations.map(({ organizationId }) => organizationId)
            const rows = [...state.agents, ...state.definitions].filter(({ organizationId }) =>
              ids.includes(organizationId)
            )
            if (rows.some(({ id }) => state.uses.includes(id))) {
              return Either.left(new OrganizationInUse({ organizations: referredTo(organizations) }))
            }
            return Either.right([undefined, without(state, user, ids)])
          }
        )
    })
  })
)
