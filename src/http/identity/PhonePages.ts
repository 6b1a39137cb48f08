import { Effect } from "effect"
import { PhoneRequest } from "../../domain/identity/Identity.ts"
import { confirmIdentity, typePhone, unlinkIdentity } from "../../services/identity/OwnIdentities.ts"
import { nextOf } from "../account/SessionPages.tsx"
import { decode } from "../Body.ts"
import { drawAgents } from "../installation/AgentsPage.tsx"
import { seeOther } from "../pages/AnswerPage.ts"
import { withNotice } from "../pages/Notice.ts"
import { type FormVisit, form } from "../pages/PageRoutes.tsx"

const reasons = {
  too_short: "The number is too short for a phone number.",
  too_long: "The number is too long for a phone number.",
  not_a_number: "This can’t be read as a phone number. Write it with + and country code, as in +44 7911 123456.",
  has_extension: "Leave the extension out: WhatsApp has none.",
  unknown_country: "Choose a country from the list.",
  not_a_person: "This is the number of one of WhatsApp’s own bots. Give your own."
} as const

const addPhone = (visit: FormVisit) => {
  const { credential, form: sent } = visit
  const wrong = (message: string) => drawAgents(visit, sent, [{ field: "phone", message }])
  return typePhone({
    credential,
    body: decode(PhoneRequest)({ phone: sent.get("phone"), country: sent.get("country") })
  }).pipe(
    Effect.map(() => seeOther(withNotice("/agents", "phone-claimed"))),
    Effect.catchTags({
      InvalidPhone: ({ reason }) => wrong(reasons[reason]),
      InvalidRequest: () => wrong("Write the number with + and country code, as in +44 7911 123456."),
      IdentityTaken: () =>
        wrong("This number is linked to another account. It can be linked here only from that phone, by a code."),
      NoMember: () => wrong("Your account is not ready for this: sign out and in again, then add the phone once more.")
    })
  )
}

const changePhone = ({ credential, form: sent, part }: FormVisit) =>
  Effect.gen(function* () {
    const call = { credential, id: part("id") }
    const [back = "/agents"] = nextOf(sent.get("back")).split("#")
    if (sent.get("do") !== "confirm") {
      yield* unlinkIdentity(call)
      return seeOther(withNotice(back as `/${string}`, "phone-ended"))
    }
    const { state } = yield* confirmIdentity(call)
    return seeOther(withNotice(back as `/${string}`, state === "verified" ? "phone-confirmed" : "phone-waiting"))
  })

/** The forms of a person's phones. */
export const phonePages = [form("/agents/phones", addPhone), form("/agents/phones/:id", changePhone)]
