import { assert, describe, it } from "@effect/vitest"
import { decideDeletion, type OrganizationFacts, referredTo } from "../../../src/domain/account/Deletion.ts"
import { OrganizationId, Slug } from "../../../src/domain/Ids.ts"

const facts = (slug: string, rest: Partial<OrganizationFacts> = {}): OrganizationFacts => ({
  organizationId: OrganizationId.make(`org_${slug}`),
  organizationSlug: Slug.make(slug),
  name: slug,
  personal: false,
  role: "owner",
  otherOwners: 0,
  otherMembers: 0,
  agents: 0,
  definitions: 0,
  entities: 0,
  identities: 0,
  installedElsewhere: 0,
  keptElsewhere: false,
  installedIn: [],
  ...rest
})

const decided = (...all: ReadonlyArray<OrganizationFacts>) => {
  const { leaves, obstacles, organizations } = decideDeletion(all)
  const slugs = (of: ReadonlyArray<{ readonly organizationSlug: string }>) => of.map((one) => one.organizationSlug)
  return { goes: slugs(organizations), stays: slugs(leaves), blocks: slugs(obstacles) }
}

describe("the deletion of an account", () => {
  it("takes the personal organization along, whoever else is in it and whatever the person is there", () => {
    const own = facts("ada", { personal: true, otherMembers: 3 })
    assert.deepStrictEqual(decided(own), { goes: ["ada"], stays: [], blocks: [] })
    assert.deepStrictEqual(decided({ ...own, role: null }), { goes: ["ada"], stays: [], blocks: [] })
    assert.deepStrictEqual(decided({ ...own, otherOwners: 1 }), { goes: [], stays: ["ada"], blocks: [] })
    assert.deepStrictEqual(decided({ ...own, otherOwners: 1, role: null }), { goes: [], stays: [], blocks: [] })
  })

  it("leaves what others own, and takes along what nobody else owns or has", () => {
    assert.deepStrictEqual(
      decided(facts("theirs", { role: "member" }), facts("both", { otherOwners: 1, otherMembers: 1 }), facts("mine")),
      { goes: ["mine"], stays: ["theirs", "both"], blocks: [] }
    )
  })

  it("is kept off by other members, by installations and by what is left of them", () => {
    for (const rest of [{ otherMembers: 1 }, { installedElsewhere: 1 }, { keptElsewhere: true }]) {
      assert.deepStrictEqual(decided(facts("mine", rest)).blocks, ["mine"])
    }
  })

  it("counts an installation in an organization of the person's own only where that stays", () => {
    const stays = facts("both", { otherOwners: 1 })
    const goes = facts("ada", { personal: true })
    const publisher = (...installedIn: ReadonlyArray<OrganizationFacts>) =>
      facts("mine", { installedIn: installedIn.map(({ organizationId }) => organizationId) })
    assert.deepStrictEqual(decided(goes, stays, publisher(goes)).blocks, [])
    assert.deepStrictEqual(decided(goes, stays, publisher(goes, stays)).blocks, ["mine"])
  })

  it("is kept off by rows of another program, in whichever organization they refer to", () => {
    const { organizations } = decideDeletion([facts("mine", { agents: 2 })])
    const { name, organizationId, organizationSlug } = facts("mine")
    assert.deepStrictEqual(referredTo(organizations), [
      { organizationId, organizationSlug, name, otherMembers: 0, installations: 0, kept: true }
    ])
  })
})
