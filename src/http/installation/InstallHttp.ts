import { Effect } from "effect"
import { Manifest } from "../../domain/catalog/Template.ts"
import { TemplateCatalog } from "../../services/catalog/TemplateCatalog.ts"
import { install } from "../../services/installation/Install.ts"
import { planInstall } from "../../services/installation/PlanInstall.ts"
import { Api } from "../Api.ts"
import { keep } from "../Cached.ts"
import { group } from "../Handlers.ts"

export const InstallHttp = group(Api, "install", {
  install: (asked) => install(asked),
  plan: (asked) => planInstall(asked),
  manifest: ({ path }) =>
    TemplateCatalog.pipe(
      Effect.flatMap((catalog) => catalog.manifest(path.slug)),
      Effect.map((manifest) => keep(Manifest, manifest))
    )
})
