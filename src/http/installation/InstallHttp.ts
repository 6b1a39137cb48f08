import { Effect } from "effect"
import { Manifest } from "../../domain/catalog/Template.ts"
import { chosenRows } from "../../domain/installation/Plan.ts"
import { oncePer } from "../../domain/OncePer.ts"
import { TemplateCatalog } from "../../services/catalog/TemplateCatalog.ts"
import { install } from "../../services/installation/Install.ts"
import { planInstall } from "../../services/installation/PlanInstall.ts"
import { Api } from "../Api.ts"
import { cached } from "../Cached.ts"
import { group } from "../Handlers.ts"

// The catalogue returns the same object until something is published, so its text is made once.
const textOf = oncePer((manifest: Manifest) => cached(Manifest, manifest))

export const InstallHttp = group(Api, "install", {
  install: (asked) => install(asked),
  plan: ({ query, ...asked }) => Effect.zipWith(planInstall(asked), query, chosenRows),
  manifest: ({ path }) =>
    TemplateCatalog.pipe(
      Effect.flatMap((catalog) => catalog.manifest(path.slug)),
      Effect.map(textOf)
    )
})
