import type { Effect } from "effect"
import type { NotGateway, ReadError } from "../../domain/Errors.ts"
import type { LookupAnswer, LookupRequest } from "../../domain/identity/Identity.ts"
import { traced } from "../runtime/Traced.ts"
import { Gateway, type GatewayCall } from "./Gateway.ts"
import { IdentityLinker } from "./IdentityLinker.ts"

/** Says whose identifiers are, and where their messages go. */
export const lookUp: <R>(
  call: GatewayCall<LookupRequest, R>
) => Effect.Effect<LookupAnswer, NotGateway | ReadError, Gateway | IdentityLinker | R> = traced("lookUp")(function* ({
  body,
  credential
}) {
  const gateway = yield* Gateway
  const identities = yield* IdentityLinker

  yield* gateway.identify(credential)
  return { identities: yield* identities.lookup(yield* body) }
})
