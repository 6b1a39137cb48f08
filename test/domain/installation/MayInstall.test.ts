import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { AgentId, OrganizationId } from "../../../src/domain/Ids.ts"
import { agentAfter } from "../../../src/domain/installation/Actions.ts"
import type { RequestFacts } from "../../../src/domain/installation/Facts.ts"
import { mayInstall, mayUninstall } from "../../../src/domain/installation/MayInstall.ts"

const [organizationId, publisher] = [OrganizationId.make("org_ada"), OrganizationId.make("org_publisher")]
const [templateAgentId, agentId] = [AgentId.make("agent_template"), AgentId.make("agent_installed")]
const wanted = { organizationId, templateAgentId }
const revisionOf = (revision: number) => ({
  revision,
  name: `Name ${revision}`,
  description: `Description ${revision}`
})

const template = {
  organizationId: publisher,
  isPublic: true,
  isMember: false,
  isInstalled: false,
  isNamed: true,
  modes: ["copy"] as const,
  newest: 3
}
const agent = {
  id: agentId,
  name: "Name 1",
  description: "Description 1",
  templateName: "Name 1",
  templateDescription: "Description 1",
  revision: 1,
  pinned: false,
  mode: "copy" as const
}
const facts: RequestFacts = {
  organizationSlug: "ada",
  administers: true,
  template,
  agent,
  revisions: [revisionOf(1), revisionOf(3)],
  lastRevision: 1
}

const tagOf = <A, E extends { readonly _tag: string }>(result: Either.Either<A, E>) =>
  Either.isLeft(result) ? result.left._tag : "allowed"

describe("mayInstall", () => {
  it("refuses in order, each reason before all that follow", () => {
    const reasons: ReadonlyArray<readonly [tag: string, without: Partial<RequestFacts>]> = [
      ["TemplateNotFound", { template: { ...template, isPublic: false } }],
      ["TemplateIsInstalled", { template: { ...template, isInstalled: true } }],
      ["SelfInstall", { template: { ...template, organizationId } }],
      ["TemplateNotPublic", { template: { ...template, isPublic: false, isMember: true } }],
      ["TemplateNotPublic", { template: { ...template, isNamed: false } }],
      ["TemplateNotPublic", { template: { ...template, newest: null } }],
      ["NotOrgAdmin", { administers: false }],
      ["NoSuchRevision", { revisions: [] }],
      ["AgentNotFound", { agent: null }]
    ]
    for (const [at, [tag]] of reasons.entries()) {
      const given: RequestFacts = Object.assign(
        { ...facts },
        ...reasons
          .slice(at)
          .toReversed()
          .map(([, without]) => without)
      )
      assert.strictEqual(tagOf(mayInstall(given, { ...wanted, agentId })), tag, `${at}`)
    }
    assert.strictEqual(tagOf(mayInstall({ ...facts, template: null }, wanted)), "TemplateNotFound")
    assert.strictEqual(tagOf(mayInstall(facts, { ...wanted, agentId })), "allowed")
  })

  it("brings the newest revision, the one that is asked for, or the one the agent is pinned to", () => {
    const pinned = { ...facts, agent: { ...agent, pinned: true } }
    const brought = (known: RequestFacts, revision?: number | "newest") =>
      Either.getOrThrow(mayInstall(known, { ...wanted, revision })).revision
    assert.deepStrictEqual(
      [brought(facts), brought(facts, 1), brought(pinned), brought(pinned, 3), brought(pinned, "newest")],
      [3, 1, 1, 3, 3]
    )
  })

  it("lets only an administrator take an agent away, and only the one that is there", () => {
    const request = { organizationId, agentId }
    assert.strictEqual(tagOf(mayUninstall({ ...facts, agent: null, administers: false }, request)), "AgentNotFound")
    assert.strictEqual(tagOf(mayUninstall({ ...facts, administers: false }, request)), "NotOrgAdmin")
    assert.strictEqual(tagOf(mayUninstall({ ...facts, template: null }, request)), "allowed")
  })
})

describe("agentAfter", () => {
  const next = revisionOf(3)
  const followed = { name: "Name 3", templateName: "Name 3", description: "Description 3" }

  it("follows the template, but for what the person chose", () => {
    assert.deepInclude(agentAfter(null, next, {}), { ...followed, pinned: false, revision: 3 })
    assert.deepInclude(agentAfter(agent, next, {}), followed)
    assert.deepInclude(agentAfter({ ...agent, name: "Mine" }, next, {}), { name: "Mine", description: "Description 3" })
    assert.deepInclude(agentAfter({ ...agent, description: "Mine" }, next, {}), {
      name: "Name 3",
      description: "Mine",
      templateDescription: "Description 3"
    })
    assert.deepInclude(agentAfter(agent, next, { name: "Given" }), { name: "Given", templateName: null })
  })

  it("stays as it is while it is pinned, until it is told to go on", () => {
    const pinned = { ...agent, pinned: true }
    assert.deepStrictEqual(agentAfter(pinned, revisionOf(1), {}), {
      name: agent.name,
      description: agent.description,
      templateName: agent.templateName,
      templateDescription: agent.templateDescription,
      revision: 1,
      pinned: true
    })
    assert.deepInclude(agentAfter(agent, next, { revision: 3 }), { ...followed, pinned: true })
    assert.deepInclude(agentAfter(pinned, next, { revision: "newest" }), { ...followed, pinned: false })
  })
})
