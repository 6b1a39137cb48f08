import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { numberedSlug, personalSlug, slugify } from "../../src/domain/Slug.ts"

const form = /^[a-z0-9]+(-[a-z0-9]+)*$/

describe("slugs", () => {
  it("are lower case with diacritics folded", () => {
    assert.strictEqual(slugify("Ångström & Sons, Łódź"), "angstrom-sons-lodz")
    assert.strictEqual(slugify("Straße Ærø, Œuvre Đà Þórður, Kılıç"), "strasse-aero-oeuvre-da-thordur-kilic")
    assert.strictEqual(slugify("!!!"), "")
  })

  it("are cut after 48 characters, and end with no hyphen", () => {
    assert.strictEqual(slugify("a".repeat(60)), "a".repeat(48))
    assert.strictEqual(slugify(`${"a".repeat(47)} bc`), "a".repeat(47))
    assert.strictEqual(slugify(" ada "), "ada")
  })

  it("are numbered from the second on, and cut where the number needs the room", () => {
    assert.strictEqual(numberedSlug("ada-b", 1), "ada-b")
    assert.strictEqual(numberedSlug("ada-b", 2), "ada-b-2")
    assert.strictEqual(numberedSlug("a".repeat(48), 1), "a".repeat(48))
    assert.strictEqual(numberedSlug("a".repeat(48), 12), `${"a".repeat(45)}-12`)
    assert.strictEqual(numberedSlug(`${"a".repeat(44)}-bcd`, 12), `${"a".repeat(44)}-12`)
  })

  it("have at most 48 characters, numbers included, and the form of a slug", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ maxLength: 300 }), FastCheck.integer({ min: 1, max: 1e9 }), (text, n) => {
        const base = personalSlug({ id: "4f9a1c2e77", name: text, email: `${text}@example.org` })
        const slug = numberedSlug(base, n)
        assert.match(slug, form)
        assert.isAtMost(slug.length, 48)
      })
    )
  })

  it("come from the name, else from the address, else from the id", () => {
    const user = { id: "AbCdEfGhIj", name: "Ada", email: "countess@example.org" }
    assert.strictEqual(personalSlug(user), "ada")
    assert.strictEqual(personalSlug({ ...user, name: "API" }), "countess")
    assert.strictEqual(personalSlug({ ...user, name: "…", email: "admin@example.org" }), "user-abcdefgh")
  })
})
