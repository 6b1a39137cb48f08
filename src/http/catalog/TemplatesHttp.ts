import { Effect } from "effect"
import { TemplateOffers } from "../../services/catalog/TemplateOffers.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

export const TemplatesHttp = group(Api, "templates", {
  list: ({ query }) => Effect.flatMap(TemplateOffers, (offers) => Effect.flatMap(query, offers.search))
})
