import { Effect, Either, Layer } from "effect"
import { IdentityTaken, NoMember } from "../domain/Errors.ts"
import type { LinkedPhone } from "../domain/Install.ts"
import { jidOf, readPhone } from "../domain/Phone.ts"
import { IdentityLinker, type IdentityLinkerOptions } from "../services/IdentityLinker.ts"
import { type IdentityRecord, World } from "./World.ts"

const namespaces = ["phone", "wa_jid"]

/** Identities of the world. */
export const IdentityLinkerMemory = ({ defaultCountry }: IdentityLinkerOptions) =>
  Layer.effect(
    IdentityLinker,
    Effect.map(World, ({ change }) =>
      IdentityLinker.of({
        claimPhone: ({ country, organizationId, phone: typed, userId }) =>
          Effect.gen(function* () {
            const phone = yield* readPhone(typed, country ?? defaultCountry)
            const waJid = jidOf(phone)
            const wanted = (identity: IdentityRecord) =>
              (identity.namespace === "phone" && identity.identifier === phone) ||
              (identity.namespace === "wa_jid" && identity.identifier === waJid)
            const mine = (identity: IdentityRecord) =>
              identity.organizationId === organizationId && identity.user === userId
            return yield* change<LinkedPhone, NoMember | IdentityTaken>((state) => {
              const { identities } = state
              if (!identities.some((identity) => mine(identity) && identity.namespace === "auth_user_id")) {
                return Either.left(new NoMember({ organizationId }))
              }
              const rival = identities.some(
                (identity) =>
                  wanted(identity) && identity.state === "verified" && identity.organizationId !== organizationId
              )
              if (rival) return Either.left(new IdentityTaken())
              const kept = identities.filter(
                (identity) =>
                  !mine(identity) ||
                  !namespaces.includes(identity.namespace) ||
                  identity.state === "verified" ||
                  wanted(identity)
              )
              const claim = (namespace: string, identifier: string): ReadonlyArray<IdentityRecord> =>
                kept.some(
                  (identity) => mine(identity) && identity.namespace === namespace && identity.identifier === identifier
                )
                  ? []
                  : [{ organizationId, user: userId, namespace, identifier, state: "claimed" }]
              const next = [...kept, ...claim("phone", phone), ...claim("wa_jid", waJid)]
              const verified = next.some(
                (identity) => mine(identity) && identity.identifier === phone && identity.state === "verified"
              )
              return Either.right([
                { phone, waJid, verified },
                { ...state, identities: next }
              ])
            })
          })
      })
    )
  )
