import { HttpApiBuilder, type HttpRouter, HttpServerRequest } from "@effect/platform"
import { Context, Effect } from "effect"
import { accountPages } from "../account/AccountPage.tsx"
import { mailPages } from "../account/MailPages.tsx"
import { sessionPages } from "../account/SessionPages.tsx"
import { templatesPages } from "../catalog/TemplatesPage.tsx"
import { phonePages } from "../identity/PhonePages.ts"
import { agentPages } from "../installation/AgentPage.tsx"
import { agentsPages } from "../installation/AgentsPage.tsx"
import { installPages } from "../installation/InstallPage.tsx"
import { rowPages } from "../installation/RowPage.tsx"
import { uninstallPages } from "../installation/UninstallPage.tsx"
import { updatePages } from "../installation/UpdatePage.tsx"
import { publisherPages } from "../publishing/PublisherPages.tsx"
import { templatePages } from "../publishing/TemplatePages.tsx"
import { readTarget } from "../Target.ts"
import { answerAsset } from "./Assets.ts"
import type { PagePath } from "./PagePaths.ts"
import type { PageRoute } from "./PageRoutes.tsx"

const assets = {
  method: "GET" as const,
  path: "/assets/:file" as const satisfies PagePath<"GET">,
  answer: Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { pathname } = yield* readTarget(request)
    return yield* answerAsset(request, pathname)
  })
}

/** Every page and every form, by subject. */
const all = [
  ...templatesPages,
  ...installPages,
  ...agentsPages,
  ...agentPages,
  ...rowPages,
  ...updatePages,
  ...uninstallPages,
  ...phonePages,
  ...publisherPages,
  ...templatePages,
  ...sessionPages,
  ...accountPages,
  ...mailPages,
  assets
]

type Needs = Effect.Effect.Context<(typeof all)[number]["answer"]>

const routes: ReadonlyArray<PageRoute<Needs>> = all

/** The pages, which use the same workflows as the routes under `/api`. */
export const PagesHttp = HttpApiBuilder.Router.use((router) =>
  Effect.flatMap(Effect.context<Exclude<Needs, HttpRouter.HttpRouter.Provided>>(), (context) =>
    Effect.forEach(routes, ({ answer, method, path }) =>
      (method === "GET" ? router.get : router.post)(
        path,
        Effect.mapInputContext(answer, (request: Context.Context<HttpRouter.HttpRouter.Provided>) =>
          Context.merge(context, request)
        )
      )
    )
  )
)
