import { HttpApiSchema } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Effect, Schema } from "effect"
import * as Errors from "../../src/domain/Errors.ts"
import { openApi } from "../../src/http/Api.ts"
import type { Document } from "../../src/http/documents/Document.ts"
import { anyProblem, problem, problemMediaType } from "../../src/http/Problem.ts"

const lookup = (more: object) => ({ identities: [{ namespace: "phone", identifier: "+447911123456", ...more }] })

/** In the order of refusal, then those of other routes: what the service promises. */
const promised = [
  ["ForeignOrigin", 403, "foreign_origin"],
  ["Unauthenticated", 401, "unauthenticated"],
  ["RateLimitExceeded", 429, "rate_limited"],
  ["UnsupportedMediaType", 415, "unsupported_media_type"],
  ["TooLarge", 413, "too_large"],
  ["InvalidRequest", 400, "invalid_request"],
  ["UnknownTemplateSlug", 404, "unknown_slug"],
  ["NoPersonalOrg", 409, "no_personal_org"],
  ["TemplateNotFound", 400, "template_not_found"],
  ["TemplateIsInstalled", 400, "template_is_installed"],
  ["SelfInstall", 400, "self_install"],
  ["TemplateNotPublic", 400, "template_not_public"],
  ["NotOrgAdmin", 400, "not_org_admin"],
  ["TemplateDeprecated", 409, "template_deprecated"],
  ["RevisionBroken", 409, "revision_broken"],
  ["ModeNotOffered", 400, "mode_not_offered"],
  ["NoSuchRow", 400, "no_such_row"],
  ["SchemaCollision", 400, "schema_collision"],
  ["PlanStale", 409, "plan_stale"],
  ["AgentNotFound", 404, "agent_not_found"],
  ["WatcherNotFound", 404, "watcher_not_found"],
  ["RowNotFound", 404, "row_not_found"],
  ["NoSuchRevision", 400, "no_such_revision"],
  ["InvalidPhone", 400, "invalid_phone"],
  ["NoMember", 409, "no_member"],
  ["IdentityTaken", 409, "already_linked"],
  ["IdentityNotFound", 404, "identity_not_found"],
  ["PendingNotFound", 404, "pending_not_found"],
  ["NotGateway", 401, "not_gateway"],
  ["RolloutNotFound", 404, "rollout_not_found"],
  ["RolloutRuns", 409, "rollout_runs"],
  ["RolloutEnded", 409, "rollout_ended"],
  ["EventsGone", 410, "events_gone"],
  ["IdempotencyKeyInUse", 409, "idempotency_key_in_use"],
  ["IdempotencyKeyReused", 422, "idempotency_key_reused"],
  ["WrongPassword", 403, "wrong_password"],
  ["OrganizationInUse", 409, "organization_in_use"],
  ["PublisherNotFound", 404, "publisher_not_found"],
  ["NotPermitted", 403, "not_permitted"],
  ["KeyNotFound", 404, "key_not_found"],
  ["MemberNotFound", 404, "member_not_found"],
  ["LastOwner", 409, "last_owner"],
  ["InvitationNotFound", 404, "invitation_not_found"],
  ["LimitReached", 409, "limit_reached"],
  ["TemplateRefused", 400, "template_refused"],
  ["WithdrawalRefused", 409, "withdrawal_not_agreed"],
  ["TemplateInUse", 409, "template_in_use"],
  ["RouteNotFound", 404, "not_found"],
  ["MethodNotAllowed", 405, "method_not_allowed"],
  ["TooSlow", 408, "request_timeout"],
  ["HeaderTooLarge", 431, "header_too_large"],
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
      const sent = new Errors.SchemaCollision({
        collisions: [{ kind: "watchers", slug: "inbox", owner: "ada", own: true, adoptable: true }]
      })
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
    assert.deepStrictEqual(responses("/openapi.json", "get"), [ok, [304, []], ...faults])
    for (const path of ["/docs", "/docs/errors"]) {
      assert.deepStrictEqual(responses(path, "get"), [[200, ["text/html"]], [304, []], ...faults])
    }
    assert.deepStrictEqual(responses("/docs/{subject}", "get"), [
      [200, ["text/html"]],
      [304, []],
      [404, [problemMediaType]],
      ...faults
    ])
  })

  it.effect("is valid OpenAPI 3.1", () =>
    Effect.gen(function* () {
      const validator = new Validator()
      const found = yield* Effect.promise(() => validator.validate(JSON.parse(JSON.stringify(openApi))))
      assert.deepStrictEqual([found.valid, found.errors ?? []], [true, []])
      assert.strictEqual(validator.version, "3.1")
    })
  )

  const operations = Object.entries((openApi as unknown as Document).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation }))
  )

  it("has an example of every body, and each is as its schema says", () => {
    const ajv = new Ajv2020({ strict: false, logger: false })
    ajv.addSchema({ ...openApi, $id: "document" })
    for (const { name, operation } of operations) {
      const contents = [operation.requestBody?.content, ...Object.values(operation.responses).map((one) => one.content)]
      for (const [mediaType, media] of contents.flatMap((content) => Object.entries(content ?? {}))) {
        const examples = [media.example, ...Object.values(media.examples ?? {}).map(({ value }) => value)]
        const given = examples.filter((example) => example !== undefined)
        assert.isNotEmpty(given, `${name} ${mediaType}`)
        const schema = JSON.parse(JSON.stringify(media.schema).replaceAll('"#/', '"document#/'))
        for (const example of given) {
          assert.isTrue(ajv.validate(schema, example), `${name}: ${JSON.stringify(example)}: ${ajv.errorsText()}`)
        }
        if (mediaType === problemMediaType) {
          assert.strictEqual(given.length, (media.schema.anyOf ?? [media.schema]).length, name)
        }
      }
    }
  })

  it("has requests of no other members than are read, and answers that may get more", () => {
    const { components } = openApi as unknown as Document
    const ajv = new Ajv2020({ strict: false, logger: false })
    ajv.addSchema({ ...openApi, $id: "document" })
    const takes = (name: string, value: unknown) =>
      ajv.validate({ $ref: `document#/components/schemas/${name}` }, value)
    const row = { kind: "watchers", slug: "inbox" }
    for (const [name, value, unknown] of [
      ["InstallRequest", { slug: "helper", adopt: [row] }, { slug: "helper", expected_plan: "x" }],
      ["InstallRequest", { slug: "helper", adopt: [row] }, { slug: "helper", adopt: [{ ...row, slugg: "inbox" }] }],
      ["ResyncRequest", { revision: "newest" }, { revison: "newest" }],
      ["LookupRequest", lookup({}), lookup({ identifer: "x" })],
      ["PlanRequest", { slug: "helper" }, { slug: "helper", name: "x" }]
    ] as const) {
      assert.deepStrictEqual([takes(name, value), takes(name, unknown)], [true, false], name)
    }
    const closed = Object.keys(components.schemas).filter((name) =>
      JSON.stringify(components.schemas[name]).includes('"additionalProperties":false')
    )
    const asked = operations.map(({ operation }) => JSON.stringify(operation.requestBody ?? null)).join()
    assert.sameMembers(
      closed.filter((name) => !asked.includes(`/${name}"`)),
      ["RowName"]
    )
    const answered = operations.map(({ operation }) => JSON.stringify(operation.responses)).join()
    for (const name of closed) assert.notInclude(answered, `schemas/${name}"`)
  })

  it("says of every operation what it is for, and of every answer its header fields, by schemes it has", () => {
    const { components } = openApi as unknown as Document
    for (const { name, operation } of operations) {
      assert.isString(operation.summary, name)
      for (const scheme of (operation.security ?? []).flatMap((one) => Object.keys(one))) {
        assert.property(components.securitySchemes, scheme)
      }
      for (const [status, { headers = {} }] of Object.entries(operation.responses)) {
        assert.includeMembers(Object.keys(components.headers ?? {}), Object.keys(headers))
        assert.property(headers, "x-request-id")
        if (status === "429" || status === "503") assert.property(headers, "retry-after", name)
        if (status === "415") assert.property(headers, "accept-encoding", name)
        if (status === "401") assert.property(headers, "www-authenticate", name)
      }
    }
  })

  it("promises those of identities to people, and those of senders to the gateway", () => {
    const statuses = (path: string, method: "get" | "post" | "delete") => [
      Object.keys(openApi.paths[path]?.[method]?.responses ?? {}).map(Number),
      (openApi.paths[path]?.[method]?.security ?? []).flatMap((way) => Object.keys(way))
    ]
    const [people, gateway] = [["session", "bearer"], ["gateway"]]
    assert.deepStrictEqual(statuses("/api/identities", "get"), [[200, 400, 401, 409, 429, 500, 503], people])
    assert.deepStrictEqual(statuses("/api/identities/phone", "post"), [
      [200, 400, 401, 403, 409, 413, 415, 429, 500, 503],
      people
    ])
    for (const [path, method, ok] of [
      ["/api/identities/{id}/confirm", "post", 200],
      ["/api/identities/{id}", "delete", 204]
    ] as const) {
      assert.deepStrictEqual(statuses(path, method), [[ok, 401, 403, 404, 409, 429, 500, 503], people])
    }
    assert.deepStrictEqual(statuses("/api/install/token", "post"), [
      [200, 400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503],
      people
    ])
    assert.deepStrictEqual(statuses("/api/install/claim", "post"), [
      [200, 400, 401, 409, 413, 415, 422, 429, 500, 503],
      gateway
    ])
    assert.deepStrictEqual(statuses("/api/identities/pending/{id}/answer", "post"), [
      [200, 400, 401, 404, 409, 413, 415, 422, 429, 500, 503],
      gateway
    ])
    assert.deepStrictEqual(statuses("/api/identities/lookup", "post"), [[200, 400, 401, 413, 415, 500, 503], gateway])
  })

  it("lets every POST be repeated: by what it does, or by an Idempotency-Key", () => {
    const byNature = [
      // Read, and change nothing.
      "planInstall",
      "lookUpIdentities",
      // Bring about what they name, which then stands.
      "installTemplate",
      "resyncAgent",
      "changeMode",
      "customizeRow",
      "pauseWatcher",
      "resumeWatcher",
      "claimPhone",
      "confirmIdentity",
      "pauseRollout",
      "cancelRollout",
      "deleteAccount"
    ]
    const others = operations.flatMap(({ name, operation: { operationId, parameters = [] } }) =>
      !name.startsWith("post /") ||
      name.startsWith("post /api/auth/") ||
      parameters.some((one) => one.name === "Idempotency-Key")
        ? []
        : [operationId]
    )
    assert.sameMembers(others, byNature)
    for (const { name, operation } of operations) {
      if (!operation.parameters?.some((one) => one.name === "Idempotency-Key")) continue
      assert.property(operation.responses["409"]?.headers, "retry-after", name)
      assert.property(operation.responses["200"]?.headers, "idempotent-replayed", name)
    }
  })

  it("says of every operation, parameter and schema what it is, under names that make good functions and types", () => {
    const { components } = openApi as unknown as Document
    const ids = operations.map(({ operation }) => operation.operationId)
    assert.strictEqual(new Set(ids).size, ids.length)
    for (const { name, operation } of operations) {
      assert.match(operation.operationId, /^[a-z]+([A-Z][a-z]+)+$/, name)
      assert.match(operation.description ?? "", /\.$/, name)
      for (const parameter of operation.parameters ?? []) {
        assert.match(parameter.description ?? "", /\.$/, `${name} ${parameter.name}`)
      }
    }
    const isRefusal = (name: string) => name in Errors
    for (const [name, schema] of Object.entries(components.schemas)) {
      assert.isTrue(isRefusal(name) || /\.$/.test(schema.description ?? ""), name)
      assert.isTrue(schema.type !== "string" || schema.enum !== undefined, name)
      assert.notInclude(["number", "integer"], schema.type, name)
    }
  })

  it("has numbers as numbers, and one of two members as alternatives", () => {
    const { components } = openApi as unknown as Document
    const parameters = operations.flatMap(({ operation }) => operation.parameters ?? [])
    const limits = parameters.filter(({ name }) => name === "limit").map(({ schema }) => schema)
    assert.isNotEmpty(limits)
    for (const { type, minimum, maximum } of limits) {
      assert.deepStrictEqual([type, minimum, typeof maximum], ["integer", 1, "number"])
    }
    for (const name of ["InstallRequest", "PlanRequest"]) {
      const required = components.schemas[name]?.oneOf?.map((one) => one.required)
      assert.deepStrictEqual(required, [["slug"], ["templateAgentId"]])
    }
    const text = JSON.stringify(openApi)
    for (const made of ["DateTimeUtc", "NonNegative", "DurationFromMillis", '/Int"']) assert.notInclude(text, made)
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
