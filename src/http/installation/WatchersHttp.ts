import { HttpApiBuilder } from "@effect/platform"
import { Effect } from "effect"
import { AgentWatcher, AgentWatchers } from "../../domain/installation/Watcher.ts"
import { listWatchers, setWatcher } from "../../services/installation/ManageWatchers.ts"
import { answer, fromOwnOrigin } from "../Answer.ts"
import { Api } from "../Api.ts"
import { credentialOf } from "../admission/Caller.ts"
import { withRateLimitFields } from "../admission/RateLimitFields.ts"

const watchers = answer(AgentWatchers)
const watcher = answer(AgentWatcher)

export const WatchersHttp = HttpApiBuilder.group(Api, "watchers", (handlers) =>
  handlers
    .handleRaw("list", ({ path, request }) =>
      listWatchers(credentialOf(request), path.id).pipe(
        Effect.map((all) => ({ watchers: all })),
        withRateLimitFields,
        watchers
      )
    )
    .handleRaw("pause", ({ path, request }) =>
      setWatcher("pause", { credential: credentialOf(request), agentId: path.id, slug: path.slug }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        watcher
      )
    )
    .handleRaw("resume", ({ path, request }) =>
      setWatcher("resume", { credential: credentialOf(request), agentId: path.id, slug: path.slug }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        watcher
      )
    )
)
