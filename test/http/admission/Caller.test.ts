import { BlockList } from "node:net"
import { HttpServerRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { clientAddress, limiterKey } from "../../../src/http/admission/Caller.ts"
import { ServerConfig } from "../../../src/http/ServerConfig.ts"

const trustedProxies = new BlockList()
trustedProxies.addSubnet("10.0.0.0", 8, "ipv4")
trustedProxies.addAddress("2001:db8::1", "ipv6")

const addressOf = (peer: string, forwarded?: string) =>
  clientAddress(
    HttpServerRequest.fromWeb(
      new Request("http://service/", { headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded } })
    ).modify({ remoteAddress: peer })
  ).pipe(Effect.provideService(ServerConfig, { ownOrigins: [], trustedProxies }), Effect.runSync)

describe("clientAddress", () => {
  it("is the peer, whatever it says of others", () => {
    assert.strictEqual(addressOf("203.0.113.7"), "203.0.113.7")
    assert.strictEqual(addressOf("203.0.113.7", "198.51.100.1"), "203.0.113.7")
    assert.strictEqual(addressOf("::ffff:203.0.113.7"), "203.0.113.7")
  })

  it("is what a trusted proxy says, the nearest that is none itself", () => {
    assert.strictEqual(addressOf("10.0.0.1", "198.51.100.1"), "198.51.100.1")
    assert.strictEqual(addressOf("2001:db8::1", "198.51.100.1"), "198.51.100.1")
    assert.strictEqual(addressOf("10.0.0.1", "198.51.100.66, 198.51.100.1, 10.0.0.2"), "198.51.100.1")
    assert.strictEqual(addressOf("::ffff:10.0.0.1", "::ffff:198.51.100.1"), "198.51.100.1")
  })

  it("is read with a port, in brackets and in quotation marks", () => {
    const cases: ReadonlyArray<readonly [member: string, address: string]> = [
      ["1.2.3.4:8080", "1.2.3.4"],
      ["[2001:db8::2]:80", "2001:db8::2"],
      ["[2001:db8::2]", "2001:db8::2"],
      ["2001:db8::2", "2001:db8::2"],
      ['"[2001:db8::2]:4711"', "2001:db8::2"],
      ['"1.2.3.4"', "1.2.3.4"],
      ['"1.2.3.4:1"', "1.2.3.4"],
      ["[::ffff:1.2.3.4]:80", "1.2.3.4"],
      ["::ffff:1.2.3.4", "1.2.3.4"],
      ["[1.2.3.4]:80", "1.2.3.4"],
      ["fe80::1%eth0", "fe80::1%eth0"]
    ]
    for (const [member, address] of cases) {
      assert.strictEqual(addressOf("10.0.0.1", member), address, member)
      assert.strictEqual(addressOf("10.0.0.1", `198.51.100.66, ${member} , [::ffff:10.0.0.2]:443`), address, member)
    }
    assert.strictEqual(addressOf("10.0.0.1", "1.2.3.4:80, [2001:db8::1]:80, 10.0.0.2:9"), "1.2.3.4")
  })

  it("is the nearest that is known where what is behind it is none", () => {
    const none = [
      "unknown",
      "_hidden",
      '"_gazonk:80"',
      "1.2.3.4:port",
      "1.2.3.4:",
      "1.2.3",
      "[2001:db8::2",
      "2001:db8::2]:80",
      "[]:80",
      '""',
      "",
      "1.2.3.4:123456",
      ":80"
    ]
    for (const member of none) {
      assert.strictEqual(addressOf("10.0.0.1", member), "10.0.0.1", member)
      assert.strictEqual(addressOf("10.0.0.1", `198.51.100.1, ${member}, 10.0.0.2:80`), "10.0.0.2", member)
    }
  })

  it("is the proxy where that says nothing that is an address", () => {
    assert.strictEqual(addressOf("10.0.0.1"), "10.0.0.1")
    assert.strictEqual(addressOf("10.0.0.1", "nonsense"), "10.0.0.1")
    assert.strictEqual(addressOf("10.0.0.1", "198.51.100.1, unknown"), "10.0.0.1")
  })
})

describe("limiterKey", () => {
  it("is the /64 of an IPv6 address, however that is written, and any other address itself", () => {
    const cases: ReadonlyArray<readonly [address: string, key: string]> = [
      ["203.0.113.7", "203.0.113.7"],
      ["unknown", "unknown"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
      ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
      ["2001:db8::1", "2001:db8:0:0::/64"],
      ["::1", "0:0:0:0::/64"],
      ["fe80::1%eth0", "fe80:0:0:0::/64"],
      ["64:ff9b::203.0.113.7", "64:ff9b:0:0::/64"]
    ]
    for (const [address, key] of cases) assert.strictEqual(limiterKey(address), key)
  })
})
