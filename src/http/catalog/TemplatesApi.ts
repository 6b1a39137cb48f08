import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { OfferPage, OffersQuery } from "../../domain/catalog/Offer.ts"
import { InvalidRequest } from "../../domain/Errors.ts"
import { problem } from "../Problem.ts"

/** What anybody can install. */
export class TemplatesApi extends HttpApiGroup.make("templates")
  .add(
    HttpApiEndpoint.get("list", "/api/templates")
      .setUrlParams(OffersQuery)
      .addSuccess(OfferPage)
      .addError(problem(InvalidRequest))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listTemplates",
          summary: "The templates that anybody can install",
          description:
            "Public. By slug, in pages; with q, those that have all of its words. GET /api/install/manifest/{slug} says what one brings."
        })
      )
  )
  .annotate(OpenApi.Description, "Templates: what can be installed") {}
