import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { AgentId, OrganizationId } from "../../../src/domain/Ids.ts"
import { agentAfter } from "../../../src/domain/installation/Actions.ts"
import type { RequestFacts } from "../../../src/domain/installation/Facts.ts"
import {
  leftOut,
  mayChangeMode,
  mayInstall,
  mayUninstall,
  mayWrite,
  modeOf
} from "../../../src/domain/installation/MayInstall.ts"

const [organizationId, publisher] = [OrganizationId.make("org_ada"), OrganizationId.make("org_publisher")]
const [templateAgentId, agentId] = [AgentId.make("agent_template"), AgentId.make("agent_installed")]
const wanted = { organizationId, templateAgentId }
const revisionOf = (revision: number) => ({
  revision,
  name: `Name ${revision}`,
  description: `Description ${revision}`,
  broken: null
})

const template = {
  organizationId: publisher,
  isPublic: true,
  isMember: false,
  isInstalled: false,
  isNamed: true,
  modes: ["copy"] as const,
  newest: 3,
  offered: 3,
  deprecated: null
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

  it("leaves out revisions that are broken, unless the agent is at one", () => {
    const broken = (...numbers: ReadonlyArray<number>) =>
      facts.revisions.map((one) => ({ ...one, broken: numbers.includes(one.revision) ? "It fails" : null }))
    const known = (offered: number | null, at: number | null, revisions = facts.revisions): RequestFacts => ({
      ...facts,
      template: { ...template, offered },
      agent: at === null ? null : { ...agent, revision: at },
      revisions
    })
    const brought = (given: RequestFacts, revision?: number | "newest") =>
      Either.match(mayInstall(given, { ...wanted, revision }), {
        onLeft: ({ _tag }) => _tag,
        onRight: (found) => found.revision
      })
    const [oldest, all] = [broken(3), broken(1, 3)]
    assert.deepStrictEqual(
      [
        brought(known(1, null, oldest)),
        brought(known(1, 3, oldest)),
        brought(known(1, 3, oldest), 3),
        brought(known(1, 1, oldest), 3),
        brought(known(1, 3, oldest), "newest"),
        brought(known(null, 1, all)),
        brought(known(null, null, all))
      ],
      [1, 1, 3, "RevisionBroken", 1, 1, "RevisionBroken"]
    )
  })

  it("begins with no template that is deprecated, and goes on with one", () => {
    const deprecated = { reason: "Replaced", successor: null }
    const known = { ...facts, template: { ...template, deprecated } }
    assert.strictEqual(tagOf(mayInstall({ ...known, agent: null }, wanted)), "TemplateDeprecated")
    assert.strictEqual(tagOf(mayInstall({ ...known, agent: null }, { ...wanted, agentId })), "AgentNotFound")
    assert.strictEqual(tagOf(mayInstall(known, wanted)), "allowed")
  })

  it("lets only an administrator take an agent away, and only the one that is there", () => {
    const request = { organizationId, agentId }
    assert.strictEqual(tagOf(mayUninstall({ ...facts, agent: null, administers: false }, request)), "AgentNotFound")
    assert.strictEqual(tagOf(mayUninstall({ ...facts, administers: false }, request)), "NotOrgAdmin")
    assert.strictEqual(tagOf(mayUninstall({ ...facts, template: null }, request)), "allowed")
    assert.strictEqual(tagOf(mayUninstall(facts, { ...request, agentId: templateAgentId })), "AgentNotFound")
    assert.strictEqual(tagOf(mayUninstall({ ...facts, organizationSlug: null }, request)), "AgentNotFound")
    assert.deepStrictEqual(mayUninstall(facts, request), Either.right({ organizationSlug: "ada" }))
  })

  it("is of an organization that exists, and says which", () => {
    assert.strictEqual(tagOf(mayInstall({ ...facts, organizationSlug: null }, wanted)), "NotOrgAdmin")
    assert.deepStrictEqual(
      mayInstall(facts, wanted),
      Either.right({ revision: 3, name: "Name 3", description: "Description 3", organizationSlug: "ada" })
    )
  })
})

describe("how a template is installed", () => {
  const both = { ...template, modes: ["reference", "copy"] as const }
  const request = { organizationId, agentId }

  it("is as it is already, else as is asked for, else as the publisher prefers", () => {
    const fresh = { ...facts, agent: null, template: both }
    assert.deepStrictEqual(modeOf(fresh, undefined), Either.right("reference"))
    assert.deepStrictEqual(modeOf(fresh, "copy"), Either.right("copy"))
    assert.deepStrictEqual(modeOf({ ...fresh, agent }, "reference"), Either.right("copy"))
    assert.deepStrictEqual(modeOf({ ...fresh, template: null }, undefined), Either.right("copy"))
    const refused = modeOf({ ...fresh, template }, "reference")
    assert.isTrue(Either.isLeft(refused))
    assert.deepInclude(Either.getOrThrow(Either.flip(refused)), { mode: "reference", modes: ["copy"] })
  })

  it("may be changed by an administrator to what the publisher offers", () => {
    const known = { ...facts, template: both }
    const changed = { organizationSlug: "ada", revision: 1 }
    const to = (mode: "copy" | "reference", given: RequestFacts = known) => mayChangeMode(given, { ...request, mode })
    assert.deepStrictEqual(to("reference"), Either.right({ ...changed, isChange: true }))
    assert.deepStrictEqual(to("copy"), Either.right({ ...changed, isChange: false }))
    assert.deepStrictEqual(
      to("copy", { ...known, agent: { ...agent, revision: null } }),
      Either.right({ ...changed, revision: 0, isChange: false })
    )
    // It may stay as it is, whatever the publisher offers today, or where the template is gone.
    const referring: RequestFacts = { ...facts, agent: { ...agent, mode: "reference" } }
    assert.deepStrictEqual(to("reference", referring), Either.right({ ...changed, isChange: false }))
    assert.deepStrictEqual(to("copy", { ...referring, template: null }), Either.right({ ...changed, isChange: true }))
    assert.strictEqual(tagOf(to("reference", facts)), "ModeNotOffered")
    assert.strictEqual(tagOf(to("reference", { ...known, administers: false })), "NotOrgAdmin")
    assert.strictEqual(tagOf(to("reference", { ...known, agent: null })), "AgentNotFound")
  })
})

describe("leftOut", () => {
  it("says why a roll-out does not come to an installation", () => {
    const automatic = { pinned: false, updates: "automatic" } as const
    assert.strictEqual(leftOut(null), "gone")
    assert.strictEqual(leftOut({ pinned: true, updates: "manual" }), "pinned")
    assert.strictEqual(leftOut({ ...automatic, updates: "manual" }), "manual")
    assert.isNull(leftOut(automatic))
  })
})

describe("mayWrite", () => {
  it("refuses another plan first, then wishes that are not met, then collisions", () => {
    const collision = { kind: "entity_types" as const, slug: "a", owner: "ada", own: true, adoptable: true }
    const unmet = { list: "adopt" as const, kind: "entity_types" as const, slug: "b", verdict: null }
    const rows = { organizationId, organizationSlug: "ada", templateAgentId, revision: 1, rows: [] }
    const fine = { facts: rows, rows: [], unmet: [], collisions: [] }
    const refused = { ...fine, unmet: [unmet], collisions: [collision] }
    assert.strictEqual(tagOf(mayWrite(refused, false)), "PlanStale")
    assert.strictEqual(tagOf(mayWrite(refused, true)), "NoSuchRow")
    assert.strictEqual(tagOf(mayWrite({ ...refused, unmet: [] }, true)), "SchemaCollision")
    assert.deepStrictEqual(mayWrite(fine, true), Either.right(fine))
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
