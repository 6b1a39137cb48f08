import { Array as Arr, Effect, Either } from "effect"
import { InvalidRequest } from "../../domain/Errors.ts"
import type { SenderFields } from "../../domain/identity/Identity.ts"
import { platforms } from "../../domain/identity/Platform.ts"
import type { Sender } from "../../domain/identity/Sender.ts"
import { type NoSender, oneSender } from "../../domain/identity/WaId.ts"

const messages: Readonly<Record<NoSender | "two_senders", string>> = {
  not_an_id: "must be an id of the platform, with its suffix (447911123456@s.whatsapp.net), or a phone with its +",
  not_a_person: "must be the sender of a direct message; this is a group, a list, a channel or a bot",
  unknown_server: "must end in a server of the platform, like @s.whatsapp.net or @lid",
  not_a_phone: "must have the digits of a phone number",
  two_senders: "must be ids of the same sender"
}

/** The sender a gateway names; the ids that are none, or not theirs, are refused by their place. */
export const readSender = ({
  alternateIds = [],
  platform,
  platformUserId
}: SenderFields): Effect.Effect<Sender, InvalidRequest> =>
  Effect.gen(function* () {
    const named = [
      { path: "platformUserId", id: platformUserId },
      ...alternateIds.map((id, at) => ({ path: `alternateIds.${at}`, id }))
    ]
    const [issues, ids] = Arr.partitionMap(named, ({ id, path }) =>
      Either.mapLeft(platforms[platform].read(id), (reason) => ({ path, message: messages[reason] }))
    )
    if (issues.length > 0) return yield* new InvalidRequest({ issues })
    const identifiers = yield* Either.mapLeft(
      oneSender(ids),
      (reason) => new InvalidRequest({ issues: [{ path: "alternateIds", message: messages[reason] }] })
    )
    return { platform, identifiers }
  })
