import { Effect, Option, Predicate, Record, Schema } from "effect"
import { errorGuide } from "../../domain/ErrorGuide.ts"
import { type AnyRefusal, refusals } from "../../domain/Errors.ts"
import { answerTexts, checkNumber, maskIdentifier, PendingId, promptOf } from "../../domain/identity/Identity.ts"
import { codeSeconds, messageWith } from "../../domain/identity/InstallCode.ts"
import { E164 } from "../../domain/identity/Phone.ts"
import { platforms } from "../../domain/identity/Platform.ts"
import { anyProblem, currentRequestId, problemMediaType } from "../Problem.ts"

/*
 * What HttpApi does not put into the OpenAPI document: the examples, and the header fields of answers.
 */

/** The parts of an OpenAPI document that are read here. */
export interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly tags: ReadonlyArray<{ readonly name: string; readonly description?: string }>
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly securitySchemes?: Readonly<Record<string, { readonly description?: string }>>
    readonly headers?: Readonly<Record<string, { readonly description: string }>>
  }
}
export interface Operation {
  readonly operationId: string
  readonly tags?: ReadonlyArray<string>
  readonly summary?: string
  readonly description?: string
  readonly security?: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly parameters?: ReadonlyArray<{
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema: JsonSchema
  }>
  readonly requestBody?: { readonly content: Content; readonly required?: boolean }
  readonly responses: Readonly<Record<string, Response>>
}
export interface Response {
  readonly description: string
  readonly content?: Content
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>
}
export type Content = Readonly<Record<string, Media>>
export interface Media {
  readonly schema: JsonSchema
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly summary?: string; readonly value: unknown }>>
}
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly description?: string
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly enum?: ReadonlyArray<unknown>
  readonly pattern?: string
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: ReadonlyArray<string>
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}

/** The name of the component a schema refers to, empty where it refers to none. */
export const nameOf = ({ $ref = "" }: JsonSchema): string => $ref.replace(/^#\/components\/schemas\//, "")

const agentId = "agent_a6672434b8364bfda00ef65341e202cc"
const organizationId = "org_f0588612b60a49f6af20c461948e2920"
const templateAgentId = "agent_0b2f64a1c1b84f0e9d5e2f7f6a1d3c55"

const noVerdicts = { collision: 0, deleted_by_owner: 0, retire: 0, customized: 0, create: 0, update: 0, unchanged: 0 }

const overview = {
  agentId,
  organizationId,
  organizationSlug: "ada-lovelace",
  name: "Personal finance",
  description: "Keeps track of money and tax",
  template: {
    templateAgentId,
    slug: "personal-finance",
    name: "Personal finance",
    publisher: "agent-install-templates",
    available: true
  },
  revision: 1,
  newestRevision: 2,
  pinned: false,
  counts: {
    entity_types: { ...noVerdicts, update: 1, customized: 1, unchanged: 41 },
    entity_relationship_types: { ...noVerdicts, unchanged: 42 },
    watchers: { ...noVerdicts, retire: 1, unchanged: 1 },
    event_classifiers: { ...noVerdicts, unchanged: 2 }
  },
  customized: [{ kind: "entity_types", slug: "bank-account", name: "My accounts", fields: ["name"] }],
  retired: [{ kind: "watchers", slug: "inbox", name: "Inbox", because: "in_use" }]
}

const watcher = {
  slug: "weekly-deadline-radar",
  name: "Deadlines",
  description: "Looks ahead each Monday",
  schedule: "0 7 * * 1",
  nextRunAt: "2026-11-30T07:00:00.000Z",
  pausedAt: null
}

const leaving = {
  agentId,
  organizationId,
  removed: [{ kind: "watchers", slug: "weekly-deadline-radar", name: "Deadlines" }],
  kept: [{ kind: "entity_types", slug: "bank-account", name: "My accounts", because: "customized" }],
  passedOn: []
}

const ownIdentity = {
  id: "3",
  platform: "whatsapp",
  namespace: "phone",
  identifier: maskIdentifier("+447911123456")
}

const pendingId = PendingId.make("link_62c5d8a11e204abba6d6b6ddc7daed22")

const prompt = promptOf("ada@example.org", pendingId)

const code = "mzxw6ytboi2gc3dmn5uw4zdfpb2gs5df"

/** One value of each schema that a body may have, by the schema's name. */
const bodies: Readonly<Record<string, unknown>> = {
  InstallRequest: { slug: "personal-finance", whatsapp_phone: "07911 123456", country: "GB" },
  InstallAnswer: {
    agentId,
    organizationId,
    organizationSlug: "ada-lovelace",
    created: true,
    revision: 1,
    mirrored: { entity_types: 43, entity_relationship_types: 42, watchers: 2, event_classifiers: 2 },
    redirectTo: `/ada-lovelace/agents/${agentId}`,
    whatsapp: { phone: "+447911123456", waJid: "447911123456@s.whatsapp.net", verified: false }
  },
  PlanRequest: { slug: "personal-finance" },
  Plan: {
    templateAgentId,
    organizationId,
    revision: 2,
    planHash: "3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855e",
    rows: [
      {
        kind: "entity_types",
        slug: "bank-account",
        name: "Bank account",
        verdict: "update",
        fate: null,
        because: null,
        owner: null,
        adoptable: false,
        fields: ["description"]
      },
      {
        kind: "watchers",
        slug: "inbox",
        name: "Inbox",
        verdict: "retire",
        fate: "kept",
        because: "in_use",
        owner: null,
        adoptable: false,
        fields: []
      }
    ]
  },
  Manifest: {
    slug: "personal-finance",
    name: "Personal finance",
    description: "Keeps track of money and tax",
    botPhone: "447911123456",
    templateAgentId,
    revision: 2,
    rows: {
      entity_types: [{ slug: "bank-account", name: "Bank account", description: "Where money is kept" }],
      entity_relationship_types: [{ slug: "holds-account", name: "Holds account", description: "Whose account it is" }],
      watchers: [{ slug: "weekly-deadline-radar", name: "Deadlines", description: "Looks ahead each Monday" }],
      event_classifiers: []
    }
  },
  AgentOverview: overview,
  AgentList: { agents: [overview], next: null },
  ResyncRequest: { revert: [{ kind: "entity_types", slug: "bank-account" }] },
  ResyncAnswer: {
    agentId,
    organizationId,
    organizationSlug: "ada-lovelace",
    revision: 2,
    pinned: false,
    mirrored: { entity_types: 43, entity_relationship_types: 42, watchers: 2, event_classifiers: 2 },
    redirectTo: `/ada-lovelace/agents/${agentId}`
  },
  AgentWatcher: watcher,
  AgentWatchers: { watchers: [watcher] },
  UninstallPlan: { ...leaving, planHash: "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592" },
  Uninstalled: { ...leaving, agentRemoved: true },
  History: {
    entries: [
      {
        id: "7",
        at: "2026-11-23T06:30:00.000Z",
        by: { userId: "Jx3VqA4mR0zW", name: "Ada Lovelace" },
        action: "resync",
        revision: 2,
        rows: [
          {
            kind: "entity_types",
            slug: "bank-account",
            did: "reverted",
            fields: ["name"],
            before: { name: "My accounts" },
            after: { name: "Bank account" },
            omitted: false
          }
        ]
      }
    ],
    next: null
  },
  OwnIdentities: { identities: [{ ...ownIdentity, state: "claimed", checkNumber: checkNumber(pendingId) }] },
  OwnIdentity: { ...ownIdentity, state: "verified" },
  PhoneRequest: { phone: "07911 123456", country: "GB" },
  ClaimedPhone: { phone: "+447911123456", waJid: "447911123456@s.whatsapp.net", verified: false, state: "claimed" },
  TokenAnswer: {
    token: code,
    expiresInSeconds: codeSeconds,
    link: platforms.whatsapp.link(E164.make("+447911000000"), messageWith(code))
  },
  ClaimRequest: {
    message: messageWith(code),
    platform: "whatsapp",
    platformUserId: "185031603552434@lid",
    alternateIds: ["447911123456@s.whatsapp.net"]
  },
  ClaimAnswer: { status: "confirm_sender", ...prompt },
  SenderAnswer: { platform: "whatsapp", platformUserId: "447911123456@s.whatsapp.net", yes: true },
  AnswerAnswer: { status: "verified", text: answerTexts.verified },
  LookupRequest: {
    identities: [{ namespace: "wa_jid", identifier: "447911123456@s.whatsapp.net" }],
    template: "personal-finance"
  },
  LookupAnswer: {
    identities: [
      {
        verified: true,
        person: { userId: "Jx3VqA4mR0zW", name: "Ada Lovelace" },
        organization: { id: organizationId, slug: "ada-lovelace" },
        memberEntityId: "1",
        agents: [{ agentId, templateAgentId }],
        answerTo: "447911123456@s.whatsapp.net"
      },
      { verified: false, prompt },
      null
    ]
  },
  HealthAnswer: { status: "ok" },
  Page: "<!doctype html>…",
  OpenApiDocument: { openapi: "3.1.0" }
}

const requestId = "5f2f1a52-6f7e-4a58-9a5b-2f0a4b1f2c3d"

/** A refusal's example as it goes over the wire. */
export const exampleProblem = (refusal: AnyRefusal) =>
  Schema.encode(anyProblem)(refusal).pipe(Effect.locally(currentRequestId, requestId), Effect.runSync)

const problemOf = (tag: string) =>
  Option.map(Option.fromNullable(refusals.find((refusal) => refusal._tag === tag)), ({ _tag, code, title }) => ({
    code,
    summary: title,
    value: exampleProblem(errorGuide[_tag].example)
  }))

const withExamples = (content: Content): Content =>
  Record.map(content, (media, mediaType) => {
    if (mediaType !== problemMediaType) {
      const example = bodies[nameOf(media.schema)]
      return example === undefined ? media : { ...media, example }
    }
    const problems = (media.schema.anyOf ?? [media.schema]).flatMap((schema) =>
      Option.toArray(problemOf(nameOf(schema)))
    )
    return {
      ...media,
      examples: Object.fromEntries(problems.map(({ code, summary, value }) => [code, { summary, value }]))
    }
  })

const text = (description: string) => ({ description, schema: { type: "string" } })

const headers = {
  "x-request-id": text("The id of the request, also the uuid of a problem's instance."),
  ratelimit: text("What is left of the budget (draft-ietf-httpapi-ratelimit-headers-11)."),
  "ratelimit-policy": text("The budget: tries and seconds."),
  "accept-encoding": text("How a body may be encoded: not at all."),
  "retry-after": text("Seconds after which a retry makes sense."),
  "www-authenticate": text("How to say who is asking."),
  etag: text("Names this very content; ask again with If-None-Match.")
}

const headersOf = (operation: Operation, status: string): ReadonlyArray<keyof typeof headers> => {
  // Whose budget it is, a gateway's body says first.
  const unread = operation.security?.some((one) => "gateway" in one) === true && ["400", "413", "415"].includes(status)
  const limited = "429" in operation.responses && status !== "401" && status !== "403" && !unread
  return [
    "x-request-id",
    ...(limited ? (["ratelimit", "ratelimit-policy"] as const) : []),
    ...(status === "429" || status === "503" ? (["retry-after"] as const) : []),
    ...(status === "415" ? (["accept-encoding"] as const) : []),
    ...(status === "401" ? (["www-authenticate"] as const) : []),
    ...("304" in operation.responses && Number(status) < 400 ? (["etag"] as const) : [])
  ]
}

const completeOperation = (operation: Operation): Operation => ({
  ...operation,
  ...(operation.requestBody === undefined
    ? {}
    : { requestBody: { ...operation.requestBody, content: withExamples(operation.requestBody.content) } }),
  responses: Record.map(operation.responses, (response, status) => ({
    ...response,
    ...(response.content === undefined ? {} : { content: withExamples(response.content) }),
    headers: Object.fromEntries(
      headersOf(operation, status).map((name) => [name, { $ref: `#/components/headers/${name}` }])
    )
  }))
})

// The generator names some schemas by an $id of its own, the same one wherever they stand, which no reader takes twice.
const withoutIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutIds)
  if (!Predicate.isRecord(value)) return value
  const kept = Object.entries(value).filter(([key, id]) => key !== "$id" || !String(id).startsWith("/schemas/"))
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutIds(inner)]))
}

/** The names of the schemas that the bodies of requests are made of. */
const schemasOfRequests = ({ components, paths }: Document): ReadonlySet<string> => {
  const names = new Set<string>()
  const open: Array<unknown> = Object.values(paths)
    .flatMap((operations) => Object.values(operations))
    .map(({ requestBody }) => requestBody)
  while (open.length > 0) {
    for (const [, name = ""] of JSON.stringify(open.pop() ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (names.has(name)) continue
      names.add(name)
      open.push(components.schemas[name])
    }
  }
  return names
}

/** A schema whose objects have no members but those it names, which is how requests are read. */
const closed = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema), (_key, inner) =>
    Predicate.isRecord(inner) && "properties" in inner && "additionalProperties" in inner
      ? { ...inner, additionalProperties: false }
      : inner
  )

/** The document with an example of every body, the header fields of every answer, and where it is served. */
export const complete = (document: Record<string, unknown>): Record<string, unknown> => {
  const { components, paths, ...rest } = withoutIds(document) as Document
  const ofRequests = schemasOfRequests({ components, paths, ...rest })
  const schemas = Record.map(components.schemas, (schema, name) => (ofRequests.has(name) ? closed(schema) : schema))
  return {
    ...document,
    servers: [{ url: "/" }],
    paths: Record.map(paths, Record.map(completeOperation)),
    components: { ...components, schemas, headers }
  }
}
