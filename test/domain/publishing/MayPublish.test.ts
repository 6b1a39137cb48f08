import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import type { KeyScope } from "../../../src/domain/account/ApiKey.ts"
import { OrganizationId, Slug, UserId } from "../../../src/domain/Ids.ts"
import {
  type Asker,
  joinedAs,
  mayChange,
  mayDo,
  mayPublish,
  mayRead
} from "../../../src/domain/publishing/MayPublish.ts"
import { Permission, type Role } from "../../../src/domain/publishing/Publisher.ts"

const id = OrganizationId.make("org_acme")
const publisher = { id, slug: Slug.make("acme"), name: "Acme", isPublic: true }
const person: Asker = { _tag: "Person", userId: UserId.make("ada") }
const key = (scopes: ReadonlyArray<KeyScope>, organizationId = id): Asker => ({
  _tag: "Key",
  key: { id: "key", organizationId, scopes }
})

const told = (permission: Permission, facts: Parameters<typeof mayDo>[2], asker: Asker) =>
  Either.match(mayDo(permission, "acme", facts, asker), { onLeft: ({ _tag }) => _tag, onRight: ({ slug }) => slug })

describe("who may do what with a publisher", () => {
  it("is told by the role of a person", () => {
    const may = (role: Role) =>
      Permission.literals.filter((permission) => told(permission, { publisher, role }, person) === "acme")
    assert.deepStrictEqual(may("owner"), ["read", "publish", "withdraw", "team", "keys", "members"])
    assert.deepStrictEqual(may("admin"), ["read", "publish", "withdraw", "team", "keys"])
    assert.deepStrictEqual(may("member"), ["read", "publish", "team"])
    assert.strictEqual(told("members", { publisher, role: "admin" }, person), "NotPermitted")
  })

  it("is told by the scopes of a key, which makes no keys and knows no people", () => {
    const may = (...scopes: ReadonlyArray<KeyScope>) =>
      Permission.literals.filter((permission) => told(permission, { publisher, role: null }, key(scopes)) === "acme")
    assert.deepStrictEqual(may("read"), ["read"])
    assert.deepStrictEqual(may("publish"), ["read", "publish", "withdraw"])
    assert.deepStrictEqual(may("read", "publish"), ["read", "publish", "withdraw"])
    assert.deepStrictEqual(may(), [])
    assert.strictEqual(told("publish", { publisher, role: null }, key(["read"])), "NotPermitted")
  })

  it("is to read or to publish, for most of what is done", () => {
    const facts = { publisher, role: null }
    assert.isTrue(Either.isRight(mayRead("acme", facts, key(["read"]))))
    assert.isTrue(Either.isLeft(mayPublish("acme", facts, key(["read"]))))
    assert.isTrue(Either.isRight(mayPublish("acme", facts, key(["publish"]))))
  })

  it("is nothing to whoever does not belong to it, and nothing in a private one: it is not there", () => {
    const other = OrganizationId.make("org_other")
    for (const permission of Permission.literals) {
      assert.strictEqual(told(permission, { publisher: null, role: null }, person), "PublisherNotFound")
      assert.strictEqual(told(permission, { publisher: null, role: null }, key(["publish"])), "PublisherNotFound")
      assert.strictEqual(told(permission, { publisher, role: null }, person), "PublisherNotFound")
      assert.strictEqual(told(permission, { publisher, role: null }, key(["publish"], other)), "PublisherNotFound")
      const hidden = { publisher: { ...publisher, isPublic: false }, role: "owner" as const }
      assert.strictEqual(told(permission, hidden, person), "PublisherNotFound")
      assert.strictEqual(told(permission, hidden, key(["publish"])), "PublisherNotFound")
    }
  })

  it("says to people what they would have to be, and to programs which key they need", () => {
    const message = (permission: Permission, role: Role | null, asker: Asker) =>
      Either.match(mayDo(permission, "acme", { publisher, role }, asker), {
        onLeft: (error) => error.message,
        onRight: () => ""
      })
    assert.strictEqual(
      message("keys", "member", person),
      "Only an owner or admin of the publisher, signed in, may do this."
    )
    assert.strictEqual(message("withdraw", "member", person), "Only an owner or admin of the publisher may do this.")
    assert.strictEqual(message("publish", null, key(["read"])), "Only a key with the scope publish may do this.")
    assert.strictEqual(
      message("members", null, key(["publish"])),
      "Only an owner of the publisher, signed in, may do this."
    )
  })
})

describe("who belongs to a publisher", () => {
  const changed = (role: Role | null, owners: number, wanted: Role | null) =>
    Either.match(mayChange({ role, owners }, "ada", wanted), { onLeft: ({ _tag }) => _tag, onRight: () => "done" })

  it("changes, but for its only owner", () => {
    assert.strictEqual(changed("owner", 1, null), "LastOwner")
    assert.strictEqual(changed("owner", 1, "admin"), "LastOwner")
    assert.strictEqual(changed("owner", 1, "owner"), "done")
    assert.strictEqual(changed("owner", 2, null), "done")
    assert.strictEqual(changed("member", 1, "owner"), "done")
    assert.strictEqual(changed("admin", 1, null), "done")
    assert.strictEqual(changed(null, 1, "owner"), "MemberNotFound")
  })

  it("is what the invitation says, but its only owner stays one", () => {
    assert.strictEqual(joinedAs({ role: null, owners: 1 }, "member"), "member")
    assert.strictEqual(joinedAs({ role: "member", owners: 1 }, "owner"), "owner")
    assert.strictEqual(joinedAs({ role: "owner", owners: 1 }, "member"), "owner")
    assert.strictEqual(joinedAs({ role: "owner", owners: 2 }, "member"), "member")
  })
})
