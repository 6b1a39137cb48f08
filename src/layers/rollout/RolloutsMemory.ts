import { DateTime, Effect, Either, Layer } from "effect"
import {
  NoSuchRevision,
  RevisionBroken,
  RolloutEnded,
  RolloutNotFound,
  RolloutRuns,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import type { AgentId } from "../../domain/Ids.ts"
import {
  batchSize,
  drawWaves,
  isTrouble,
  mayBeTold,
  nextOf,
  type RolloutChange,
  RolloutId,
  type RolloutStatus,
  resumed,
  rolloutPage,
  rolloutsToFind,
  stopped,
  waveSizes
} from "../../domain/rollout/Rollout.ts"
import { collisionReason, statusOf } from "../../domain/rollout/Status.ts"
import { TemplateMirror } from "../../services/installation/TemplateMirror.ts"
import { Rollouts } from "../../services/rollout/Rollouts.ts"
import { type RolloutRun, RolloutWork } from "../../services/rollout/RolloutWork.ts"
import { offeredRevision } from "../catalog/OfferedMemory.ts"
import { type MemoryState, MemoryStore, type RolloutRecord } from "../memory/MemoryStore.ts"

const statusFrom = ({ targets, ...rollout }: RolloutRecord): RolloutStatus => {
  const { attempt: _, sizes: __, templateAgentId: ___, ...seen } = rollout
  const reasons = new Map<string, RolloutStatus["examples"][number]>()
  for (const { outcome, reason } of targets) {
    if (outcome !== "collided" && outcome !== "failed") continue
    const key = `${outcome} ${reason}`
    const { organizations } = reasons.get(key) ?? { organizations: 0 }
    reasons.set(key, { outcome, reason: reason ?? "", organizations: organizations + 1 })
  }
  const examples = [...reasons.values()]
    .sort((a, b) => b.organizations - a.organizations || (a.reason < b.reason ? -1 : 1))
    .slice(0, 10)
  return statusOf(
    { ...seen, examples },
    targets.map(({ outcome, wave }) => ({ wave, outcome, organizations: 1 }))
  )
}

/** The revision, where there is one that is not broken. */
const findRevision = ({ agents, revisions }: MemoryState, templateAgentId: AgentId, revision: number) => {
  const template = agents.find(({ id }) => id === templateAgentId)
  const found = revisions.find((one) => one.templateAgentId === templateAgentId && one.revision === revision)
  if (found === undefined) return Either.left(new NoSuchRevision({ revision, newest: template?.revision ?? 0 }))
  return found.broken === undefined
    ? Either.right(revision)
    : Either.left(new RevisionBroken({ revision, reason: found.broken, offered: offeredRevision(revisions, template) }))
}

const find = ({ rollouts }: MemoryState, templateAgentId: AgentId, rolloutId: string) =>
  Either.fromNullable(
    rollouts.find((one) => one.rolloutId === rolloutId && one.templateAgentId === templateAgentId),
    () => new RolloutNotFound({ rolloutId })
  )

/** One where its state allows that. */
const findFor = (change: RolloutChange, state: MemoryState, templateAgentId: AgentId, rolloutId: string) =>
  Either.flatMap(find(state, templateAgentId, rolloutId), (found) =>
    mayBeTold(found.state, change)
      ? Either.right(found)
      : Either.left(new RolloutEnded({ rolloutId, state: found.state }))
  )

const replaced = (state: MemoryState, rollout: RolloutRecord): MemoryState => ({
  ...state,
  rollouts: state.rollouts.map((one) => (one.rolloutId === rollout.rolloutId ? rollout : one))
})

/** Roll-outs of the world. */
export const RolloutsMemory = Layer.effect(
  Rollouts,
  Effect.map(MemoryStore, ({ change, read }) =>
    Rollouts.of({
      templateOf: (publisher, slug) =>
        Effect.flatten(
          read(({ agents }) =>
            Either.fromNullable(
              agents.find((one) => one.slug === slug && one.organizationId === publisher && one.revision !== undefined)
                ?.id,
              () => new UnknownTemplateSlug({ slug })
            )
          )
        ),
      start: (templateAgentId, request) =>
        Effect.flatMap(DateTime.now, (startedAt) =>
          change((state) =>
            Either.gen(function* () {
              yield* findRevision(state, templateAgentId, request.revision)
              const other = state.rollouts.find(
                (one) => one.templateAgentId === templateAgentId && one.endedAt === null
              )
              if (other !== undefined) return yield* Either.left(new RolloutRuns({ rolloutId: other.rolloutId }))
              const rolloutId = RolloutId.make(`rollout_${state.nextId}`)
              const organizationIds = state.agents.flatMap((agent) =>
                agent.templateAgentId === templateAgentId ? [agent.organizationId] : []
              )
              const rollout: RolloutRecord = {
                ...request,
                rolloutId,
                templateAgentId,
                sizes: waveSizes(organizationIds.length, request.waves),
                state: "running",
                because: null,
                wave: 0,
                attempt: 1,
                startedAt,
                endedAt: null,
                targets: drawWaves(rolloutId, organizationIds, request.waves).map((one) => ({
                  ...one,
                  outcome: null,
                  reason: null
                }))
              }
              const next = { ...state, nextId: state.nextId + 1, rollouts: [...state.rollouts, rollout] }
              return [rolloutId, next] as const
            })
          )
        ),
      status: (templateAgentId, rolloutId) =>
        Effect.flatten(read((state) => Either.map(find(state, templateAgentId, rolloutId), statusFrom))),
      list: (templateAgentId, query) =>
        read(({ rollouts }) => {
          const all = rollouts.filter((one) => one.templateAgentId === templateAgentId).toReversed()
          const at = all.findIndex(({ rolloutId }) => rolloutId === query.before)
          const older = query.before === undefined ? all : at < 0 ? [] : all.slice(at + 1)
          return rolloutPage(older.slice(0, rolloutsToFind(query)).map(statusFrom), query)
        }),
      stop: (asked, templateAgentId, rolloutId) =>
        Effect.flatMap(DateTime.now, (now) =>
          change((state) =>
            Either.map(findFor(asked, state, templateAgentId, rolloutId), (before) => {
              const course = stopped(before, asked)
              const endedAt = course?.state === "cancelled" ? now : before.endedAt
              const after: RolloutRecord = { ...before, ...course, endedAt }
              return [statusFrom(after), replaced(state, after)] as const
            })
          )
        ),
      resume: (templateAgentId, rolloutId, request) =>
        change((state) =>
          Either.gen(function* () {
            if (request.revision !== undefined) yield* findRevision(state, templateAgentId, request.revision)
            const before = yield* findFor("resume", state, templateAgentId, rolloutId)
            const change = resumed(before, request)
            if (change !== undefined) yield* findRevision(state, templateAgentId, change.course.revision)
            const isOpened = ({ outcome }: RolloutRecord["targets"][number]) =>
              change?.isAnother === true || (outcome !== null && isTrouble(outcome))
            const after: RolloutRecord =
              change === undefined
                ? before
                : {
                    ...before,
                    ...change.course,
                    targets: before.targets.map((target) =>
                      isOpened(target) ? { ...target, outcome: null, reason: null } : target
                    )
                  }
            return [statusFrom(after), replaced(state, after)] as const
          })
        )
    })
  )
)

/** Their work, in the world. */
export const RolloutWorkMemory = Layer.effect(
  RolloutWork,
  Effect.gen(function* () {
    const store = yield* MemoryStore
    const mirror = yield* TemplateMirror
    const isRun =
      ({ attempt, rolloutId }: RolloutRun) =>
      (one: RolloutRecord) =>
        one.rolloutId === rolloutId && one.attempt === attempt && one.state === "running"
    return RolloutWork.of({
      running: store.read(({ rollouts }) =>
        rollouts.flatMap(({ attempt, rolloutId, state }) =>
          state === "running" ? [{ rolloutId, attempt, isStuck: false }] : []
        )
      ),
      batch: (run) =>
        Effect.gen(function* () {
          const now = yield* DateTime.now
          const rollout = yield* store.read(({ rollouts }) => rollouts.find(isRun(run)))
          if (rollout === undefined) return "over" as const
          const { revision, templateAgentId, wave } = rollout
          const organizationIds = rollout.targets
            .filter((target) => target.wave === wave && target.outcome === null)
            .slice(0, batchSize)
            .map(({ organizationId }) => organizationId)
          const done = yield* mirror.rollOut({ templateAgentId, revision, organizationIds })
          const outcomes = new Map(done.map((one) => [one.organizationId, one]))
          const targets = rollout.targets.map((target) => {
            const one = outcomes.get(target.organizationId)
            return one === undefined
              ? target
              : { ...target, outcome: one.outcome, reason: collisionReason(one.collisions) }
          })
          const ofWave = targets.filter((target) => target.wave === wave)
          const next = nextOf({
            ...rollout,
            hasOpen: ofWave.some(({ outcome }) => outcome === null),
            trouble: ofWave.filter(({ outcome }) => outcome !== null && isTrouble(outcome)).length
          })
          const after: RolloutRecord = {
            ...rollout,
            targets,
            ...(next.next === "done" && { state: "done" as const, endedAt: now }),
            ...(next.next === "pause" && { state: "paused" as const, because: next.because, wave: next.wave }),
            ...(next.next === "wave" && { wave: next.wave })
          }
          yield* store.change((state) => Either.right([undefined, replaced(state, after)] as const))
          return after.state === "running" ? ("more" as const) : ("over" as const)
        }).pipe(store.step),
      retry: (run) =>
        store.change((state) =>
          Either.right([
            undefined,
            {
              ...state,
              rollouts: state.rollouts.map((one) => (isRun(run)(one) ? { ...one, attempt: one.attempt + 1 } : one))
            }
          ] as const)
        )
    })
  })
)
