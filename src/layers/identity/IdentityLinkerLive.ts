import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Either, Layer, Schema } from "effect"
import { IdentityId, type LookupRequest, type LookupResult } from "../../domain/identity/Identity.ts"
import {
  decideLink,
  eventsOf,
  type LinkChanges,
  type LinkEvent,
  type LinkEventName
} from "../../domain/identity/Link.ts"
import { LinkFacts } from "../../domain/identity/LinkFacts.ts"
import { decideLookup, LookupFacts } from "../../domain/identity/Lookup.ts"
import { linkShownAs, ownIdentifiers, ownIdentities } from "../../domain/identity/OwnIdentities.ts"
import { jidOf, readPhone } from "../../domain/identity/Phone.ts"
import { canonical } from "../../domain/identity/Platform.ts"
import { identifiersOf } from "../../domain/identity/WaId.ts"
import { IdentityLinker, type IdentityLinkerOptions } from "../../services/identity/IdentityLinker.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { batched } from "../postgres/Batched.ts"
import { retryTransient, violates } from "../postgres/Database.ts"
import { linkFactsStatement, lockLinksStatement, lockPersonStatement, writeLinkStatement } from "./LinkStatements.ts"
import { lookupStatement } from "./LookupStatement.ts"

/** Whose links an event is about: a person's or, if only a link is known, those of its person. */
const Scope = Schema.Struct({
  organizationId: Schema.NullOr(Schema.String),
  userId: Schema.NullOr(Schema.String),
  linkId: Schema.NullOr(Schema.String),
  identifiers: Schema.parseJson(Schema.Array(Schema.Struct({ namespace: Schema.String, identifier: Schema.String })))
})
type Scope = typeof Scope.Type

/** What a look-up asks for. */
interface Asked {
  readonly namespace: string
  readonly identifier: string
  /** The slug or id of the template whose agents are wanted; null for all. */
  readonly template: string | null
}

const LookupRow = Schema.Struct({
  at: Schema.Int,
  proofId: Schema.NullOr(IdentityId),
  address: Schema.NullOr(Schema.String),
  otherAddress: Schema.NullOr(Schema.String),
  claims: LookupFacts.fields.claims,
  ...LookupFacts.fields.owner.fields
})
type LookupRow = typeof LookupRow.Type

const make = ({ defaultCountry, routeOnClaim = false }: IdentityLinkerOptions) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    const lockPerson = SqlSchema.void({
      Request: Scope,
      execute: ({ linkId, organizationId, userId }) => sql.unsafe(lockPersonStatement, [organizationId, userId, linkId])
    })
    const lockLinks = SqlSchema.void({
      Request: Scope,
      execute: ({ identifiers, linkId }) => sql.unsafe(lockLinksStatement, [linkId, identifiers])
    })
    const findFacts = SqlSchema.single({
      Request: Scope,
      Result: LinkFacts,
      execute: ({ identifiers, linkId, organizationId, userId }) =>
        sql.unsafe(linkFactsStatement, [organizationId, userId, linkId, identifiers])
    })

    /**
     * Gathers the facts, under locks so that nobody else changes them. `own` is an identity of the person's, if the
     * event is about one.
     */
    const gather = Effect.fnUntraced(function* (scope: Scope, own: IdentityId | undefined) {
      yield* lockPerson(scope)
      const linkId = own === undefined ? scope.linkId : linkShownAs(yield* findFacts(scope), own)
      if (linkId !== null) yield* lockLinks({ ...scope, linkId })
      return yield* findFacts({ ...scope, linkId })
    })

    const write = (facts: LinkFacts, changes: LinkChanges) =>
      sql.unsafe(writeLinkStatement, [
        facts.person?.entityId ?? null,
        changes.link === null ? null : JSON.stringify(changes.link),
        changes.endedLinks,
        changes.endedIdentities,
        changes.displaced,
        JSON.stringify(changes.refused),
        JSON.stringify(changes.forgiven),
        JSON.stringify(eventsOf(facts, changes).map(({ entityId, event }) => ({ entity_id: entityId, ...event })))
      ])

    /** Gathers, decides and writes in one transaction; retried if another proof of the same sender interfered. */
    const handle = <Name extends LinkEventName>(scope: Partial<Scope>, event: LinkEvent<Name>, own?: IdentityId) =>
      gather({ organizationId: null, userId: null, linkId: null, identifiers: [], ...scope }, own).pipe(
        Effect.map((facts) => ({ facts, decision: decideLink(facts, event) })),
        Effect.tap(({ decision, facts }) => {
          const { changes = null } = Either.getOrElse(decision, () => ({ changes: null }))
          return changes === null ? Effect.void : write(facts, changes)
        }),
        sql.withTransaction,
        retryTransient(violates("entity_identities_verified")),
        Effect.orDie,
        Effect.flatMap(({ decision }) => Effect.map(decision, ({ answer }) => answer))
      )

    const findOwners = SqlSchema.findAll({
      Request: Schema.Struct({
        namespaces: Schema.Array(Schema.String),
        identifiers: Schema.Array(Schema.String),
        templates: Schema.Array(Schema.NullOr(Schema.String))
      }),
      Result: LookupRow,
      execute: ({ identifiers, namespaces, templates }) =>
        sql.unsafe(lookupStatement, [namespaces, identifiers, templates])
    })
    const findAllOwners = (asked: ReadonlyArray<Asked>) =>
      Effect.map(
        findOwners({
          namespaces: asked.map(({ namespace }) => namespace),
          identifiers: asked.map(({ identifier }) => identifier),
          templates: asked.map(({ template }) => template)
        }),
        (rows) => {
          const found: Array<Omit<LookupRow, "at"> | undefined> = asked.map(() => undefined)
          for (const { at, ...row } of rows) found[at - 1] = row
          return found
        }
      )
    const findOwner = batched(findAllOwners)

    const keepAddresses = SqlSchema.void({
      Request: Schema.parseJson(Schema.Array(Schema.Struct({ id: Schema.String, address: Schema.String }))),
      execute: (seen) =>
        sql.unsafe(
          `UPDATE entity_identities i SET address = s.address
          FROM (
            SELECT i.id, s.address FROM jsonb_to_recordset($1::jsonb) AS s (id bigint, address text)
            JOIN entity_identities i ON i.id = s.id
            ORDER BY i.id FOR NO KEY UPDATE OF i
          ) AS s
          WHERE i.id = s.id`,
          [seen]
        )
    })

    return IdentityLinker.of({
      claimPhone: traced("IdentityLinker.claimPhone")(function* ({ country, phone: typed, ...person }) {
        const phone = yield* readPhone(typed, country ?? defaultCountry)
        const sender = { platform: "whatsapp" as const, identifiers: identifiersOf(phone) }
        const scope = { ...person, identifiers: sender.identifiers }
        const state = yield* handle(scope, { event: "typed", organizationId: person.organizationId, sender })
        return { phone, waJid: jidOf(phone), verified: state === "verified", state }
      }),
      list: traced("IdentityLinker.list")(function* (person) {
        return ownIdentities(ownIdentifiers(yield* findFacts({ ...person, linkId: null, identifiers: [] })))
      }, Effect.orDie),
      confirm: traced("IdentityLinker.confirm")((own) => handle(own, { event: "confirmed", id: own.id }, own.id)),
      unlink: traced("IdentityLinker.unlink")((own) => handle(own, { event: "unlinked", id: own.id }, own.id)),
      challenge: traced("IdentityLinker.challenge")(({ sender, ...person }) =>
        handle(
          { ...person, identifiers: sender.identifiers },
          { event: "code", organizationId: person.organizationId, sender }
        )
      ),
      answer: traced("IdentityLinker.answer")(({ linkId, sender, yes }) =>
        handle({ linkId, identifiers: sender.identifiers }, { event: "answered", linkId, sender, yes })
      ),
      lookup: traced("IdentityLinker.lookup")(function* ({ identities, template }: LookupRequest) {
        const asked = identities.flatMap(({ identifier, namespace }, at) => {
          const one = canonical(namespace, identifier)
          return one === undefined ? [] : [{ ...one, at, template: template ?? null }]
        })
        const [only, ...others] = asked
        const rows =
          only === undefined ? [] : others.length === 0 ? [yield* findOwner(only)] : yield* findAllOwners(asked)
        const results: Array<LookupResult> = identities.map(() => null)
        const seen: Array<{ readonly id: string; readonly address: string }> = []
        for (const [at, row] of rows.entries()) {
          const one = asked[at]
          if (one === undefined || row === undefined) continue
          const { address, claims, otherAddress, proofId, ...owner } = row
          const proof = proofId === null ? null : { id: proofId, address, otherAddress }
          const { newAddress, result } = decideLookup(one, { proof, claims, owner }, routeOnClaim)
          results[one.at] = result
          if (proofId !== null && newAddress !== null) seen.push({ id: proofId, address: newAddress })
        }
        if (seen.length > 0) yield* keepAddresses(seen).pipe(retryTransient())
        return results
      }, Effect.orDie)
    })
  })

/** Identities in Postgres. */
export const IdentityLinkerLive = (options: IdentityLinkerOptions) => Layer.effect(IdentityLinker, make(options))
