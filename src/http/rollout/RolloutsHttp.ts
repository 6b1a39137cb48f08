import { HttpServerResponse } from "@effect/platform"
import { Effect, Schedule, Schema, Stream } from "effect"
import { RolloutStatus } from "../../domain/rollout/Rollout.ts"
import {
  listRollouts,
  resumeRollout,
  startRollout,
  stopRollout,
  viewAdoption,
  viewRollout,
  watchRollout
} from "../../services/rollout/ManageRollouts.ts"
import { Api } from "../Api.ts"
import { group, Written } from "../Handlers.ts"

const encode = Schema.encodeSync(Schema.parseJson(RolloutStatus))

// So that nothing in between takes the line for dead, and a reader that is gone is noticed.
const beats = Stream.repeatEffectWithSchedule(Effect.succeed(": \n\n"), Schedule.spaced("15 seconds"))

/** A stream of server-sent events, which ends with the roll-out it is about. */
const asEvents = (statuses: Stream.Stream<RolloutStatus>) =>
  new Written<string>({
    response: HttpServerResponse.stream(
      Stream.encodeText(
        Stream.merge(
          Stream.map(statuses, (status) => `event: status\ndata: ${encode(status)}\n\n`),
          Stream.drop(beats, 1),
          { haltStrategy: "left" }
        )
      ),
      { contentType: "text/event-stream", headers: { "x-accel-buffering": "no" } }
    )
  })

const of = (path: { readonly slug: string; readonly template: string; readonly id: string }) => ({
  slug: path.slug,
  template: path.template,
  rolloutId: path.id
})

export const RolloutsHttp = group(Api, "rollouts", {
  adoption: ({ credential, path }) => viewAdoption({ credential, ...path }),
  start: ({ body, credential, path }) => startRollout({ credential, ...path, body }),
  list: ({ credential, path, query }) => listRollouts({ credential, ...path, query }),
  view: ({ credential, path }) => viewRollout({ credential, ...of(path) }),
  events: ({ credential, path }) => Effect.map(watchRollout({ credential, ...of(path) }), asEvents),
  pause: ({ credential, path }) => stopRollout("pause", { credential, ...of(path) }),
  resume: ({ body, credential, path }) => resumeRollout({ credential, ...of(path), body }),
  cancel: ({ credential, path }) => stopRollout("cancel", { credential, ...of(path) })
})
