import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto"
import { SqlClient, SqlSchema } from "@effect/sql"
import { Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import { answerAgain, KeptAnswer, keptFor, type RepeatableRequest } from "../../domain/admission/KeptAnswer.ts"
import { IdempotencyKeyInUse } from "../../domain/Errors.ts"
import { OrganizationId, UserId } from "../../domain/Ids.ts"
import { KeptAnswers } from "../../services/admission/KeptAnswers.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { Transactor } from "../../services/runtime/Transactor.ts"
import { PgPool } from "../postgres/Database.ts"

/** Stands before the number by which repetitions of one request take turns. */
const lockClass = 7_203_116

/** Encrypts with AES-256-GCM: the nonce, the tag, the text. */
const seal = (key: Uint8Array, text: string): string => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv("aes-256-gcm", key, nonce)
  const sealed = Buffer.concat([cipher.update(text), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("hex")
}

const unseal = (key: Uint8Array, hex: string): string => {
  const bytes = Buffer.from(hex, "hex")
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12))
  decipher.setAuthTag(bytes.subarray(12, 28))
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8")
}

const AnswerText = Schema.parseJson(KeptAnswer)

const make = (secret: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { atomically } = yield* Transactor
    const { options } = yield* PgPool

    /** What nobody derives (RFC 5869) without the secret and the caller's own key: by what to find the row, and by what to read it. */
    const derive = ({ caller, key, operation }: RepeatableRequest) => {
      const from = JSON.stringify([caller.name, operation, Redacted.value(key)])
      const bytes = Buffer.from(hkdfSync("sha256", from, Redacted.value(secret), "agent-install kept answers", 64))
      return { digest: bytes.toString("hex", 0, 32), readBy: bytes.subarray(32), turn: bytes.readInt32BE(0) }
    }

    const takeTurn = SqlSchema.single({
      Request: Schema.Int,
      Result: Schema.Struct({ mine: Schema.Boolean }),
      execute: (turn) => sql`SELECT pg_try_advisory_xact_lock(${lockClass}::integer, ${turn}::integer) AS mine`
    })

    const find = SqlSchema.findOne({
      Request: Schema.String,
      Result: Schema.Struct({ fingerprint: Schema.String, answer: Schema.String }),
      execute: (digest) => sql`
        SELECT encode(fingerprint, 'hex') AS fingerprint, encode(answer, 'hex') AS answer FROM kept_answers
        WHERE digest = decode(${digest}, 'hex') AND created_at > now() - make_interval(secs => ${Duration.toSeconds(keptFor)})
      `
    })

    const keep = SqlSchema.void({
      Request: Schema.Struct({
        digest: Schema.String,
        userId: Schema.NullOr(UserId),
        organizationId: Schema.NullOr(OrganizationId),
        fingerprint: Schema.String,
        answer: Schema.String
      }),
      execute: ({ answer, digest, fingerprint, organizationId, userId }) => sql`
        INSERT INTO kept_answers (digest, user_id, organization_id, fingerprint, answer)
        VALUES (decode(${digest}, 'hex'), ${userId}, ${organizationId}, decode(${fingerprint}, 'hex'), decode(${answer}, 'hex'))
        ON CONFLICT (digest) DO UPDATE
        SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at
      `
    })

    // The work holds a connection from its begin, and what it asks outside its transaction another: only so many at once that there
    // is always one left.
    const turns = yield* Effect.makeSemaphore(Math.max(1, Math.floor((options.max ?? 10) / 2)))

    return KeptAnswers.of({
      once: traced("KeptAnswers.once")(function* (request, work) {
        const { digest, readBy, turn } = derive(request)
        const {
          caller: { organizationId, userId },
          fingerprint
        } = request
        const doOnce = Effect.gen(function* () {
          const { mine } = yield* Effect.orDie(takeTurn(turn))
          if (!mine) return yield* new IdempotencyKeyInUse()
          const found = yield* Effect.orDie(find(digest))
          const earlier = Option.map(found, ({ answer, ...one }) => ({
            ...one,
            answer: Schema.decodeSync(AnswerText)(unseal(readBy, answer))
          }))
          const again = yield* answerAgain(Option.getOrUndefined(earlier), fingerprint)
          if (again !== undefined) return { answer: again, isRepeated: true }
          const answer = yield* work
          const sealed = seal(readBy, yield* Effect.orDie(Schema.encode(AnswerText)(answer)))
          yield* Effect.orDie(keep({ digest, userId, organizationId, fingerprint, answer: sealed }))
          return { answer, isRepeated: false }
        })
        return yield* turns.withPermits(1)(atomically(doOnce))
      })
    })
  })

/**
 * Answers in Postgres, written in one transaction with the work. What they say can be read by nobody who has the table: it is
 * encrypted under a key derived from the secret and from the caller's own.
 */
export const KeptAnswersLive = (secret: Redacted.Redacted<string>) => Layer.effect(KeptAnswers, make(secret))
