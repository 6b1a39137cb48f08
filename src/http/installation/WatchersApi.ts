import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { AgentNotFound, InvalidRequest, NotOrgAdmin, Unauthenticated, WatcherNotFound } from "../../domain/Errors.ts"
import { AgentWatcher, AgentWatchers, WatchersQuery } from "../../domain/installation/Watcher.ts"
import { Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { inPath, signedIn } from "../Contract.ts"
import { problem } from "../Problem.ts"

const reads = Schema.Union(problem(Unauthenticated), problem(AgentNotFound))
const changes = Schema.Union(reads, problem(NotOrgAdmin), problem(WatcherNotFound))

const watcherPath = Schema.Struct({ id: inPath.agent, slug: inPath.watcher })

/** The watchers of installed agents. */
export class WatchersApi extends HttpApiGroup.make("watchers")
  .add(
    HttpApiEndpoint.get("list", "/api/agents/:id/watchers")
      .setPath(Schema.Struct({ id: inPath.agent }))
      .setUrlParams(WatchersQuery)
      .addSuccess(AgentWatchers)
      .addError(reads)
      .addError(problem(InvalidRequest))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listWatchers",
          summary: "An agent's watchers",
          description: "By slug, in pages, with when each is due next and whether it is paused.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("pause", "/api/agents/:id/watchers/:slug/pause")
      .setPath(watcherPath)
      .addSuccess(AgentWatcher)
      .addError(changes)
      .annotateContext(
        OpenApi.annotations({
          identifier: "pauseWatcher",
          summary: "Pause a watcher",
          description: "It does not run until it is resumed, whatever the publisher does. Repeating it is safe.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.post("resume", "/api/agents/:id/watchers/:slug/resume")
      .setPath(watcherPath)
      .addSuccess(AgentWatcher)
      .addError(changes)
      .annotateContext(
        OpenApi.annotations({
          identifier: "resumeWatcher",
          summary: "Resume a watcher",
          description:
            "It runs at the next time of its schedule, and makes up for nothing it slept through. Repeating it is safe.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .annotate(OpenApi.Description, "Watchers of installed agents: when they run, pausing and resuming them") {}
