import { Effect, Either, Layer, Schema } from "effect"
import { Slug } from "../domain/Ids.ts"
import { reservedSlugs } from "../domain/Slug.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { Publishers } from "../services/publishing/Publishers.ts"
import { ServicesFrom } from "./Application.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { type AsJson, CommandFailed, print } from "./Output.ts"

const Services = Layer.unwrapEffect(
  Effect.map(settings, (given) => ServicesFrom(given).pipe(Layer.provide(DatabaseUrlFrom(given))))
)

interface Create extends AsJson {
  readonly slug: string
  readonly owner: string
}

/** Makes a publisher, or finds it, with that account as an owner. */
export const create = Effect.fnUntraced(function* ({ json, owner: email, slug: written }: Create) {
  const slug = yield* Schema.decodeUnknownEither(Slug)(written).pipe(
    Either.mapLeft(
      () =>
        new CommandFailed({
          message: `The slug ${JSON.stringify(written)} must be lower-case letters, digits and single hyphens, 63 characters at most.`
        })
    )
  )
  if (reservedSlugs.has(slug)) {
    return yield* new CommandFailed({ message: `The slug "${slug}" is reserved. Choose another.` })
  }
  const { created, owner, publisher } = yield* Publishers.pipe(
    Effect.flatMap((publishers) => publishers.create(slug, email)),
    Effect.catchTags({
      NoSuchAccount: ({ message }) => new CommandFailed({ message }),
      NotAPublisher: ({ message }) => new CommandFailed({ message })
    }),
    Effect.provide(Services)
  )
  yield* print(
    json,
    { created, publisher, owner },
    [
      `${created ? "Made" : "Found"} the publisher ${publisher.slug} (${publisher.id}). ${owner.name} <${owner.email}> owns it.`,
      ...(owner.emailVerified
        ? []
        : [
            "The address of that account is not verified: make sure that it is theirs, since owners publish to everybody."
          ])
    ].join("\n")
  )
})
