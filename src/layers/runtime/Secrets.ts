import { randomBytes } from "node:crypto"
import { FileSystem, Path } from "@effect/platform"
import { Effect, Redacted } from "effect"

const shortest = 32

/**
 * A secret in a file of the folder, generated on first use and readable by its owner only. Two processes that ask at
 * once get the same one: the file appears as a whole, by a link that only the first can create.
 */
export const keptSecret = (folder: string, name: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const file = path.join(folder, name)
    const read = Effect.map(fs.readFileString(file), (text) => Redacted.make(text.trim()))
    const make = Effect.gen(function* () {
      const draft = path.join(folder, `${name}.${randomBytes(6).toString("hex")}`)
      yield* fs.writeFileString(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" })
      yield* fs.link(draft, file).pipe(
        Effect.catchIf(
          (error) => error._tag === "SystemError" && error.reason === "AlreadyExists",
          () => Effect.void
        ),
        Effect.ensuring(Effect.orDie(fs.remove(draft)))
      )
    })
    if (!(yield* fs.exists(file))) yield* make
    const secret = yield* read
    if (Redacted.value(secret).length >= shortest) return secret
    // A crash during the write can leave an incomplete file; sessions signed with it become invalid.
    yield* fs.remove(file)
    yield* make
    return yield* read
  })
