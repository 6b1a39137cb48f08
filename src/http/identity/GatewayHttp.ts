import { claimInstall } from "../../services/identity/ClaimInstall.ts"
import { answerPending, lookUp } from "../../services/identity/Senders.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

export const GatewayHttp = group(Api, "gateway", {
  claim: (asked) => claimInstall(asked),
  answer: ({ body, credential, path }) => answerPending({ credential, pendingId: path.id, body }),
  lookup: (asked) => lookUp(asked)
})
