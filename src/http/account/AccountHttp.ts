import { HttpServerResponse } from "@effect/platform"
import { Clock, Effect, Option, Stream } from "effect"
import type { AccountExport, HeldRow } from "../../domain/account/Account.ts"
import { Auth } from "../../services/account/Auth.ts"
import { deleteAccount, exportAccount, planAccountDeletion, viewAccount } from "../../services/account/OwnAccount.ts"
import { Api } from "../Api.ts"
import { group, Written } from "../Handlers.ts"

/** The text of an `AccountExport`, row by row. */
const exportText = (exportedAt: string, rows: Stream.Stream<HeldRow>): Stream.Stream<string> =>
  Stream.concat(Stream.map(rows, Option.some), Stream.make(Option.none<HeldRow>())).pipe(
    Stream.mapAccum("", (before, next) => {
      if (Option.isNone(next)) return [before, before === "" ? "}}\n" : "\n]}}\n"]
      const { row, table } = next.value
      const name = JSON.stringify(table)
      const begin = before === "" ? `${name}:[\n` : table === before ? ",\n" : `\n],\n${name}:[\n`
      return [table, `${begin}${row}`]
    }),
    (texts) => Stream.concat(Stream.make(`{"exportedAt":${JSON.stringify(exportedAt)},"tables":{\n`), texts)
  )

/** A download that is sent as it is read, so it may be of any size. */
const download = (rows: Stream.Stream<HeldRow>) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const at = new Date(now).toISOString()
    return new Written<typeof AccountExport.Type>({
      response: HttpServerResponse.stream(Stream.encodeText(exportText(at, rows)), {
        contentType: "application/json",
        headers: { "content-disposition": `attachment; filename="account-${at.slice(0, 10)}.json"` }
      })
    })
  })

/** Clears the cookies of a session that has ended. */
export const forgetSession =
  ({ sessionCookie }: Pick<typeof Auth.Service, "sessionCookie">) =>
  (response: HttpServerResponse.HttpServerResponse) =>
    HttpServerResponse.expireCookie(response, sessionCookie, {
      path: "/",
      httpOnly: true,
      sameSite: "lax",
      secure: sessionCookie.startsWith("__Secure-")
    })

export const AccountHttp = group(Api, "account", {
  view: ({ credential }) => viewAccount(credential),
  export: ({ credential }) => Effect.flatMap(exportAccount(credential), download),
  planDeletion: ({ credential }) => planAccountDeletion(credential),
  delete: (asked) =>
    Effect.zipRight(
      deleteAccount(asked),
      Effect.map(
        Auth,
        (auth) => new Written<void>({ response: forgetSession(auth)(HttpServerResponse.empty({ status: 204 })) })
      )
    )
})
