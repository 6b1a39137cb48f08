import { assert, describe, it } from "@effect/vitest"
import { DateTime, Either, Schema } from "effect"
import { AgentId, OrganizationId, Slug, UserId } from "../../../src/domain/Ids.ts"
import { orderOfInvitations, orderOfMembers, orderOfPublishers } from "../../../src/domain/publishing/Publisher.ts"
import { orderOfTemplates, RevisionQuery } from "../../../src/domain/publishing/Revision.ts"

describe("the lists of publishing", () => {
  const [slug, name, email, at] = [Slug.make("acme"), "Ada", "ada@example.org", DateTime.unsafeMake(0)]

  it("are in the order of slugs, of names, or of addresses", () => {
    assert.deepStrictEqual(orderOfPublishers({ id: OrganizationId.make("org"), slug, name, role: "owner" }), [slug])
    assert.deepStrictEqual(orderOfMembers({ userId: UserId.make("u"), name, email, role: "owner", since: at }), [
      name,
      "u"
    ])
    assert.deepStrictEqual(orderOfInvitations({ id: "i", email, role: "owner", expiresAt: at }), [email])
    const template = { templateAgentId: AgentId.make("t"), revision: 1, offered: 1, deprecated: null }
    assert.deepStrictEqual(
      orderOfTemplates({ ...template, slug, name, description: "", definitions: 0, installs: 0 }),
      [slug]
    )
  })
})

describe("a publication", () => {
  it("is tried only where that is asked for", () => {
    const asked = Schema.decodeUnknownEither(RevisionQuery)
    assert.deepStrictEqual(asked({}), Either.right({ dryRun: false }))
    assert.deepStrictEqual(asked({ dryRun: "true" }), Either.right({ dryRun: true }))
  })
})
