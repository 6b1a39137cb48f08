import { Effect } from "effect"
import { Manifest } from "../../domain/catalog/Template.ts"
import { chosenRows } from "../../domain/installation/Plan.ts"
import { TemplateCatalog } from "../../services/catalog/TemplateCatalog.ts"
import { install } from "../../services/installation/Install.ts"
import { planInstall } from "../../services/installation/PlanInstall.ts"
import { Api } from "../Api.ts"
import { type Cached, cached } from "../Cached.ts"
import { group } from "../Handlers.ts"

// The catalogue returns the same object until something is published, so its text is made once.
const texts = new WeakMap<Manifest, Cached<Manifest>>()

const textOf = (manifest: Manifest): Cached<Manifest> => {
  const known = texts.get(manifest) ?? cached(Manifest, manifest)
  texts.set(manifest, known)
  return known
}

export const InstallHttp = group(Api, "install", {
  install: (asked) => install(asked),
  plan: ({ query, ...asked }) => Effect.zipWith(planInstall(asked), query, chosenRows),
  manifest: ({ path }) =>
    TemplateCatalog.pipe(
      Effect.flatMap((catalog) => catalog.manifest(path.slug)),
      Effect.map(textOf)
    )
})
