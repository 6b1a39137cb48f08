import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Clock, Effect, Option, Stream } from "effect"
import { Account, DeleteRequest, type HeldRow } from "../../domain/account/Account.ts"
import { DeletionPlan } from "../../domain/account/Deletion.ts"
import { Auth } from "../../services/account/Auth.ts"
import { deleteAccount, exportAccount, planAccountDeletion, viewAccount } from "../../services/account/OwnAccount.ts"
import { answer, fromOwnOrigin } from "../Answer.ts"
import { Api } from "../Api.ts"
import { credentialOf } from "../admission/Caller.ts"
import { withRateLimitFields } from "../admission/RateLimitFields.ts"
import { readJson } from "../Body.ts"

const account = answer(Account)
const deletionPlan = answer(DeletionPlan)

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

/** Answers with a download that is sent as it is read, so that it may be of any size. */
const download = (rows: Stream.Stream<HeldRow>) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const at = new Date(now).toISOString()
    return HttpServerResponse.stream(Stream.encodeText(exportText(at, rows)), {
      contentType: "application/json",
      headers: { "content-disposition": `attachment; filename="account-${at.slice(0, 10)}.json"` }
    })
  })

/** Lets a browser forget a session that is no more. */
export const forgetSession = (response: HttpServerResponse.HttpServerResponse) =>
  Effect.map(Auth, ({ sessionCookie }) =>
    HttpServerResponse.expireCookie(response, sessionCookie, {
      path: "/",
      httpOnly: true,
      sameSite: "lax",
      secure: sessionCookie.startsWith("__Secure-")
    })
  )

export const AccountHttp = HttpApiBuilder.group(Api, "account", (handlers) =>
  handlers
    .handleRaw("view", ({ request }) => viewAccount(credentialOf(request)).pipe(withRateLimitFields, account))
    .handleRaw("export", ({ request }) =>
      exportAccount(credentialOf(request)).pipe(withRateLimitFields, Effect.flatMap(download))
    )
    .handleRaw("planDeletion", ({ request }) =>
      planAccountDeletion(credentialOf(request)).pipe(withRateLimitFields, deletionPlan)
    )
    .handleRaw("delete", ({ request }) =>
      deleteAccount({ credential: credentialOf(request), body: readJson(request, DeleteRequest) }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        Effect.zipRight(forgetSession(HttpServerResponse.empty()))
      )
    )
)
