import { Effect, Either, Layer, Option } from "effect"
import { Mailer } from "../../services/account/Mailer.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"

/** Keeps mails in the memory store, as `mails`. */
export const MailerMemory = Layer.effect(
  Mailer,
  Effect.map(MemoryStore, ({ change }) =>
    Option.some({
      send: (mail) => change((state) => Either.right([undefined, { ...state, mails: [...state.mails, mail] }]))
    })
  )
)
