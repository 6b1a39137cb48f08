import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import {
  InvalidRequest,
  NoSuchRevision,
  NotPermitted,
  PublisherNotFound,
  RevisionBroken,
  RolloutEnded,
  RolloutNotFound,
  RolloutRuns,
  Unauthenticated,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import { Adoption } from "../../domain/installation/Adoption.ts"
import {
  ResumeRequest,
  RolloutList,
  RolloutRequest,
  RolloutStarted,
  RolloutStatus,
  RolloutsQuery
} from "../../domain/rollout/Rollout.ts"
import { Idempotent, Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { inPath, publisher, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"

const templatePath = Schema.Struct({ slug: inPath.publisher, template: inPath.template })
const rolloutPath = Schema.Struct({ ...templatePath.fields, id: inPath.rollout })

const refusals = Schema.Union(
  problem(Unauthenticated),
  problem(PublisherNotFound),
  problem(NotPermitted),
  problem(UnknownTemplateSlug)
)
const rolloutRefusals = Schema.Union(refusals, problem(RolloutNotFound))
const changeRefusals = Schema.Union(rolloutRefusals, problem(RolloutEnded))

/** What `GET …/rollouts/:id/events` sends. */
const StatusEvents = HttpApiSchema.Text({ contentType: "text/event-stream" }).annotations({
  identifier: "RolloutEvents",
  description: "Server-sent events.",
  examples: ['event: status\ndata: {"rolloutId":"rollout_5c0c2a9f4d1e4c0f8f1f0d3c7b6a5e41","state":"running"}\n\n']
})

/** Roll-outs of a publisher's templates. */
export class RolloutsApi extends HttpApiGroup.make("rollouts")
  .add(
    HttpApiEndpoint.get("adoption", "/api/publishers/:slug/templates/:template/adoption")
      .setPath(templatePath)
      .addSuccess(Adoption)
      .addError(refusals)
      .annotateContext(
        OpenApi.annotations({
          identifier: "getAdoption",
          summary: "How a template fares",
          description:
            "How many organizations are on which revision, how many rows are changed, deleted, colliding or withdrawn, and installs and uninstalls by day. Numbers only: never who they are, nor what they wrote.",
          transform: publisher
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("start", "/api/publishers/:slug/templates/:template/rollouts")
      .setPath(templatePath)
      .setPayload(RolloutRequest)
      .addSuccess(RolloutStarted)
      .addError(unreadable)
      .addError(refusals)
      .addError(Schema.Union(problem(NoSuchRevision), problem(RevisionBroken)))
      .addError(problem(RolloutRuns))
      .annotateContext(
        OpenApi.annotations({
          identifier: "startRollout",
          summary: "Roll a revision out",
          description:
            "To everybody who has the template installed now, wave by wave, each as their own resync would do it: what they changed or deleted is kept, who is pinned or updates by hand is left out, and one whose rows are in the way is left as it was. One at a time for each template. A roll-out of an earlier revision is the rollback.",
          transform: publisher
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.get("list", "/api/publishers/:slug/templates/:template/rollouts")
      .setPath(templatePath)
      .setUrlParams(RolloutsQuery)
      .addSuccess(RolloutList)
      .addError(refusals)
      .addError(problem(InvalidRequest))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listRollouts",
          summary: "The roll-outs of a template",
          description: "The newest first, in pages, each with how far it has come.",
          transform: publisher
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("view", "/api/publishers/:slug/templates/:template/rollouts/:id")
      .setPath(rolloutPath)
      .addSuccess(RolloutStatus)
      .addError(rolloutRefusals)
      .annotateContext(
        OpenApi.annotations({
          identifier: "getRollout",
          summary: "How far a roll-out has come",
          description: "In numbers, in all and wave by wave, with what stood in the way most often.",
          transform: publisher
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("events", "/api/publishers/:slug/templates/:template/rollouts/:id/events")
      .setPath(rolloutPath)
      .addSuccess(StatusEvents)
      .addError(rolloutRefusals)
      .annotateContext(
        OpenApi.annotations({
          identifier: "followRollout",
          summary: "Follow a roll-out",
          description:
            "Server-sent events: an event status with a RolloutStatus at once, then another at most each second when something has changed; the stream ends when the roll-out has, and for whoever may not read it any more.",
          transform: publisher
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("pause", "/api/publishers/:slug/templates/:template/rollouts/:id/pause")
      .setPath(rolloutPath)
      .addSuccess(RolloutStatus)
      .addError(changeRefusals)
      .annotateContext(
        OpenApi.annotations({
          identifier: "pauseRollout",
          summary: "Pause a roll-out",
          description:
            "Once this answers, nobody is brought to the revision until it is resumed. Repeating it is safe.",
          transform: publisher
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.post("resume", "/api/publishers/:slug/templates/:template/rollouts/:id/resume")
      .setPath(rolloutPath)
      .setPayload(ResumeRequest)
      .addSuccess(RolloutStatus)
      .addError(unreadable)
      .addError(changeRefusals)
      .addError(Schema.Union(problem(NoSuchRevision), problem(RevisionBroken)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "resumeRollout",
          summary: "Go on with a roll-out",
          description:
            "From where it was, and with those again that collided or failed; with another revision from the first wave on, with the same organizations in each.",
          transform: publisher
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.post("cancel", "/api/publishers/:slug/templates/:template/rollouts/:id/cancel")
      .setPath(rolloutPath)
      .addSuccess(RolloutStatus)
      .addError(changeRefusals)
      .annotateContext(
        OpenApi.annotations({
          identifier: "cancelRollout",
          summary: "End a roll-out where it is",
          description: "Who has the revision keeps it. Repeating it is safe.",
          transform: publisher
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .annotate(OpenApi.Description, "Roll-outs: bringing everybody who has a template installed to a revision") {}
