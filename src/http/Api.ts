import { HttpApi, OpenApi } from "@effect/platform"
import { Internal, Unavailable } from "../domain/Errors.ts"
import { AccountApi } from "./account/AccountApi.ts"
import { authDocument } from "./account/AuthDocument.ts"
import { authPaths, mailPaths } from "./account/AuthPaths.ts"
import { TemplatesApi } from "./catalog/TemplatesApi.ts"
import { complete } from "./documents/Document.ts"
import { DocumentsApi } from "./documents/DocumentsApi.ts"
import { EventsApi } from "./events/EventsApi.ts"
import { GatewayApi } from "./identity/GatewayApi.ts"
import { IdentitiesApi } from "./identity/IdentitiesApi.ts"
import { AgentsApi } from "./installation/AgentsApi.ts"
import { InstallApi } from "./installation/InstallApi.ts"
import { RowsApi } from "./installation/RowsApi.ts"
import { WatchersApi } from "./installation/WatchersApi.ts"
import { problem } from "./Problem.ts"
import { PublishersApi } from "./publishing/PublishersApi.ts"
import { RevisionsApi } from "./publishing/RevisionsApi.ts"
import { RolloutsApi } from "./rollout/RolloutsApi.ts"
import { HealthApi } from "./runtime/HealthApi.ts"

/** The HTTP interface, without a server: for handlers, derived clients and the OpenAPI document. */
export class Api extends HttpApi.make("agent-install")
  .add(InstallApi)
  .add(TemplatesApi)
  .add(AgentsApi)
  .add(AccountApi)
  .add(WatchersApi)
  .add(RowsApi)
  .add(IdentitiesApi)
  .add(GatewayApi)
  .add(EventsApi)
  .add(PublishersApi)
  .add(RevisionsApi)
  .add(RolloutsApi)
  .add(HealthApi)
  .add(DocumentsApi)
  .addError(problem(Internal))
  .addError(problem(Unavailable))
  .annotateContext(
    OpenApi.annotations({
      title: "agent-install",
      version: "0.1.0",
      description: `Installs published template agents into a person's own organization. Accounts and sessions are kept by better-auth, which answers these routes: ${authPaths.map(({ method, path }) => `${method} ${path}`).join(", ")}; where the service sends mail, also ${mailPaths.map(({ method, path }) => `${method} ${path}`).join(", ")}. It has no other here. Every refusal is application/problem+json; /docs/errors explains each.`,
      license: { name: "MIT", url: "https://spdx.org/licenses/MIT.html" },
      transform: complete(authDocument)
    })
  ) {}

/** The OpenAPI 3.1 document of the API. */
export const openApi = OpenApi.fromApi(Api, { additionalPropertiesStrategy: "allow" })
