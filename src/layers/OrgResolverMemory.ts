import { Effect, Layer } from "effect"
import { NoPersonalOrg, UnknownTemplateSlug } from "../domain/Errors.ts"
import { OrgResolver } from "../services/OrgResolver.ts"
import { World } from "./World.ts"

/** Organizations and templates of the world. */
export const OrgResolverMemory = Layer.effect(
  OrgResolver,
  Effect.map(World, ({ read }) =>
    OrgResolver.of({
      personalOrg: (userId) =>
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
        ),
      template: (slug) =>
        read(({ agents, organizations }) =>
          agents.find(
            (agent) =>
              agent.slug === slug &&
              agent.revision !== undefined &&
              organizations.some(({ id, visibility }) => id === agent.organizationId && visibility === "public")
          )
        ).pipe(
          Effect.flatMap((found) =>
            found === undefined ? new UnknownTemplateSlug({ slug }) : Effect.succeed(found.id)
          )
        )
    })
  )
)
