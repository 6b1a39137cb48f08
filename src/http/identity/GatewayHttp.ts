import { answerChallenge } from "../../services/identity/AnswerChallenge.ts"
import { lookUp } from "../../services/identity/LookUp.ts"
import { redeemCode } from "../../services/identity/RedeemCode.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

export const GatewayHttp = group(Api, "gateway", {
  claim: (asked) => redeemCode(asked),
  answer: ({ body, credential, path }) => answerChallenge({ credential, pendingId: path.id, body }),
  lookup: (asked) => lookUp(asked)
})
