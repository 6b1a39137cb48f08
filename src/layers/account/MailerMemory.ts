import { Effect, Either, Layer, Option } from "effect"
import { Mailer } from "../../services/account/Mailer.ts"
import { World } from "../runtime/World.ts"

/** Keeps what is sent in the world, as `mails`. */
export const MailerMemory = Layer.effect(
  Mailer,
  Effect.map(World, ({ change }) =>
    Option.some({
      send: (mail) => change((state) => Either.right([undefined, { ...state, mails: [...state.mails, mail] }]))
    })
  )
)
