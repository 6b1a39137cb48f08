import { customizeRow, deleteRow, viewRow } from "../../services/installation/ManageRows.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

const call = ({ id, kind, slug }: { readonly id: string; readonly kind: string; readonly slug: string }) => ({
  agentId: id,
  kind,
  slug
})

export const RowsHttp = group(Api, "rows", {
  view: ({ credential, path }) => viewRow({ credential, ...call(path) }),
  customize: ({ body, credential, path }) => customizeRow({ credential, ...call(path), body }),
  remove: ({ credential, path }) => deleteRow({ credential, ...call(path) })
})
