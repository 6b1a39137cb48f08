import { Effect } from "effect"
import { makeInstallCode } from "../../services/identity/MakeInstallCode.ts"
import { confirmIdentity, listIdentities, typePhone, unlinkIdentity } from "../../services/identity/OwnIdentities.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

export const IdentitiesHttp = group(Api, "identities", {
  list: ({ credential }) => Effect.map(listIdentities(credential), (identities) => ({ identities })),
  phone: (asked) => typePhone(asked),
  confirm: ({ credential, path }) => confirmIdentity({ credential, id: path.id }),
  unlink: ({ credential, path }) => unlinkIdentity({ credential, id: path.id }),
  token: (asked) => makeInstallCode(asked)
})
