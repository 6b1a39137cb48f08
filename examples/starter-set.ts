import { type Credential, OrgResolver } from "agent-install/account"
import { admit } from "agent-install/admission"
import { TemplateMirror } from "agent-install/installation"
import { Transactor } from "agent-install/runtime"
import { Effect } from "effect"

/* Several templates for somebody new, all or nothing. */

export const starterSet = ["personal-finance", "household", "travel"]

/** Installs the templates of the set into the caller's own organization, as one step and one try of their budget. */
export const installStarterSet = Effect.fn("installStarterSet")(function* (
  credential: Credential,
  slugs: ReadonlyArray<string> = starterSet
) {
  const orgs = yield* OrgResolver
  const mirror = yield* TemplateMirror
  const { atomically } = yield* Transactor

  const userId = yield* admit("install", credential)
  const found = yield* Effect.forEach(slugs, (slug) => orgs.resolve({ userId, slug }))
  return yield* atomically(
    Effect.forEach(found, ({ organization, templateAgentId }) =>
      mirror.apply({ userId, organizationId: organization.id, templateAgentId })
    )
  )
})
