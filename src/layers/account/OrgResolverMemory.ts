import { Effect, Layer } from "effect"
import { NoPersonalOrg, UnknownTemplateSlug } from "../../domain/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import { type Organization, OrgResolver, type ResolvedTemplate } from "../../services/account/OrgResolver.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"

/** Organizations and templates in memory. */
export const OrgResolverMemory = Layer.effect(
  OrgResolver,
  Effect.map(MemoryStore, ({ read }) => {
    const personalOrg = (userId: UserId): Effect.Effect<Organization, NoPersonalOrg> =>
      read(({ members, organizations }) =>
        organizations.find(
          ({ id, personalFor, visibility }) =>
            personalFor === userId &&
            visibility === "private" &&
            members.some(
              (member) => member.organizationId === id && member.userId === userId && member.role === "owner"
            )
        )
      ).pipe(
        Effect.flatMap((found) =>
          found === undefined ? new NoPersonalOrg({ userId }) : Effect.succeed({ id: found.id, slug: found.slug })
        )
      )
    return OrgResolver.of({
      personalOrg,
      resolve: ({ slug, userId }) =>
        read(({ agents, organizations }) =>
          agents.find(
            (agent) =>
              agent.slug === slug &&
              agent.revision !== undefined &&
              organizations.some(({ id, visibility }) => id === agent.organizationId && visibility === "public")
          )
        ).pipe(
          Effect.flatMap(
            (found): Effect.Effect<ResolvedTemplate, UnknownTemplateSlug | NoPersonalOrg> =>
              found === undefined
                ? new UnknownTemplateSlug({ slug })
                : Effect.map(personalOrg(userId), (organization) => ({ organization, templateAgentId: found.id }))
          )
        )
    })
  })
)
