import { Effect } from "effect"
import { orderOfIdentities } from "../../domain/identity/Identity.ts"
import { makeInstallCode } from "../../services/identity/MakeInstallCode.ts"
import { confirmIdentity, listIdentities, typePhone, unlinkIdentity } from "../../services/identity/OwnIdentities.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"
import { paged } from "../Paged.ts"

export const IdentitiesHttp = group(Api, "identities", {
  list: ({ credential, query }) =>
    Effect.map(paged(orderOfIdentities)(listIdentities(credential), query), ({ items, next }) => ({
      identities: items,
      next
    })),
  phone: (asked) => typePhone(asked),
  confirm: ({ credential, path }) => confirmIdentity({ credential, id: path.id }),
  unlink: ({ credential, path }) => unlinkIdentity({ credential, id: path.id }),
  token: (asked) => makeInstallCode(asked)
})
