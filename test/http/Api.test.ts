import { HttpApiSchema } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Errors from "../../src/domain/Errors.ts"
import { openApi } from "../../src/http/Api.ts"
import { anyProblem, problem, problemMediaType } from "../../src/http/Problem.ts"

/** In the order of refusal, then those of other routes: what the service promises. */
const promised = [
  ["ForeignOrigin", 403, "foreign_origin"],
  ["Unauthenticated", 401, "unauthenticated"],
  ["RateLimitExceeded", 429, "rate_limited"],
  ["TooLarge", 413, "too_large"],
  ["InvalidRequest", 400, "invalid_request"],
  ["UnknownTemplateSlug", 404, "unknown_slug"],
  ["NoPersonalOrg", 409, "no_personal_org"],
  ["TemplateNotFound", 400, "template_not_found"],
  ["TemplateIsInstalled", 400, "template_is_installed"],
  ["SelfInstall", 400, "self_install"],
  ["TemplateNotPublic", 400, "template_not_public"],
  ["NotOrgAdmin", 400, "not_org_admin"],
  ["SchemaCollision", 400, "schema_collision"],
  ["PlanStale", 409, "plan_stale"],
  ["InvalidPhone", 400, "invalid_phone"],
  ["NoMember", 409, "no_member"],
  ["IdentityTaken", 409, "already_linked"],
  ["IdentityNotFound", 404, "identity_not_found"],
  ["PendingNotFound", 404, "pending_not_found"],
  ["NotGateway", 401, "not_gateway"],
  ["RouteNotFound", 404, "not_found"],
  ["MethodNotAllowed", 405, "method_not_allowed"],
  ["Internal", 500, "internal"],
  ["Unavailable", 503, "unavailable"]
]

describe("the errors", () => {
  it("each have the status and the code that are promised", () => {
    assert.deepStrictEqual(
      Errors.refusals.map(({ _tag, code, status }) => [_tag, status, code]),
      promised
    )
  })

  it("are all there: no error class is left out of the list", () => {
    const classes = Object.values(Errors).filter((value) => typeof value === "function" && "code" in value)
    assert.sameMembers(classes as ReadonlyArray<unknown> as Array<unknown>, [...Errors.refusals])
  })

  it("carry their status to the wire", () => {
    for (const refusal of Errors.refusals) {
      const wire = problem(refusal as unknown as Parameters<typeof problem<Error, string, Schema.Struct.Fields>>[0])
      assert.strictEqual(HttpApiSchema.getStatusError(wire), refusal.status)
    }
  })

  it.effect("come back from the wire as they were", () =>
    Effect.gen(function* () {
      const sent = new Errors.SchemaCollision({ collisions: [{ kind: "watchers", slug: "inbox", owner: "ada" }] })
      const body = yield* Schema.encode(anyProblem)(sent)
      assert.strictEqual(body.detail, sent.message)
      assert.deepStrictEqual(yield* Schema.decode(anyProblem)(JSON.parse(JSON.stringify(body))), sent)
    })
  )
})

describe("the OpenAPI document", () => {
  const responses = (path: string, method: "get" | "post") =>
    Object.entries(openApi.paths[path]?.[method]?.responses ?? {}).map(([status, { content = {} }]) => [
      Number(status),
      Object.keys(content)
    ])

  it("promises the statuses and media types of an install, and no others", () => {
    const statuses = [...new Set(Errors.installErrors.map(({ status }) => status)), 500, 503].sort()
    assert.deepStrictEqual(responses("/api/install", "post"), [
      [200, ["application/json"]],
      ...statuses.map((status) => [status, [problemMediaType]])
    ])
  })

  it("promises those of the other routes", () => {
    const faults = [
      [500, [problemMediaType]],
      [503, [problemMediaType]]
    ]
    const ok = [200, ["application/json"]]
    assert.deepStrictEqual(responses("/api/install/plan", "post"), responses("/api/install", "post"))
    assert.deepStrictEqual(responses("/api/install/manifest/{slug}", "get"), [
      ok,
      [304, []],
      [404, [problemMediaType]],
      ...faults
    ])
    assert.deepStrictEqual(responses("/health/live", "get"), [ok, ...faults])
    assert.deepStrictEqual(responses("/health/ready", "get"), [ok, ...faults])
  })

  it("promises those of identities to people, and those of senders to the gateway", () => {
    const statuses = (path: string, method: "get" | "post" | "delete") => [
      Object.keys(openApi.paths[path]?.[method]?.responses ?? {}).map(Number),
      (openApi.paths[path]?.[method]?.security ?? []).flatMap((way) => Object.keys(way))
    ]
    const [people, gateway] = [["session", "bearer"], ["gateway"]]
    assert.deepStrictEqual(statuses("/api/identities", "get"), [[200, 401, 409, 500, 503], people])
    assert.deepStrictEqual(statuses("/api/identities/phone", "post"), [
      [200, 400, 401, 403, 409, 413, 429, 500, 503],
      people
    ])
    for (const [path, method, ok] of [
      ["/api/identities/{id}/confirm", "post", 200],
      ["/api/identities/{id}", "delete", 204]
    ] as const) {
      assert.deepStrictEqual(statuses(path, method), [[ok, 401, 403, 404, 409, 429, 500, 503], people])
    }
    assert.deepStrictEqual(statuses("/api/install/token", "post"), [
      [200, 400, 401, 403, 404, 409, 413, 429, 500, 503],
      people
    ])
    assert.deepStrictEqual(statuses("/api/install/claim", "post"), [[200, 400, 401, 413, 429, 500, 503], gateway])
    assert.deepStrictEqual(statuses("/api/identities/pending/{id}/answer", "post"), [
      [200, 400, 401, 404, 413, 429, 500, 503],
      gateway
    ])
    assert.deepStrictEqual(statuses("/api/identities/lookup", "post"), [[200, 400, 401, 413, 500, 503], gateway])
  })

  it("refers only to schemas it has", () => {
    const referred = new Set(JSON.stringify(openApi).match(/#\/components\/schemas\/[^"]+/g))
    const known = Object.keys(openApi.components.schemas).map((name) => `#/components/schemas/${name}`)
    assert.includeMembers(known, [...referred])
  })

  it("names every code of an install's refusals", () => {
    const text = JSON.stringify(openApi)
    for (const { code } of Errors.installErrors) assert.include(text, `"${code}"`)
  })
})
