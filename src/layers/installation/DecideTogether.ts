import { SqlClient, SqlSchema } from "@effect/sql"
import { Array as Arr, Effect, Option, Schema } from "effect"
import { boundedMap } from "../../domain/BoundedMap.ts"
import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { actionsOf, followsFromRevisions, type RowAction, underOwnIds } from "../../domain/installation/Actions.ts"
import { type Decision, decide } from "../../domain/installation/Decide.ts"
import type { Installation } from "../../domain/installation/Facts.ts"
import { type GatherOptions, makeGatherFacts } from "./GatherFacts.ts"
import { pristineStatement } from "./PristineStatement.ts"
import { trustedArray } from "./TrustedArray.ts"

/** What is decided about some installations at once. */
export interface DecidedTogether<I> {
  readonly decision: Decision
  readonly installations: ReadonlyArray<I>
  /** By organization: what to add to each row id in `actions`. Empty if the ids are already absolute. */
  readonly idOffsets: ReadonlyMap<OrganizationId, number>
  /** What is to be written of each, by the id of its agent. */
  readonly actions: (agentId: AgentId | undefined) => ReadonlyArray<RowAction>
}

/** What is decided about all that go from one revision to another and stay as they are published, and what is written of each. */
interface Followed {
  readonly decision: Decision
  readonly actions: ReadonlyArray<RowAction>
}

/** Of how many pairs of revisions is remembered what is decided. */
const mostRemembered = 16

/**
 * Decides about any number of installations of one template, which are to have the same revision. Those that stay as they are published
 * and are at one revision are alike: one of them is looked at, and what is decided about it is decided about all, then and later.
 */
export const makeDecideTogether = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const gatherFacts = yield* makeGatherFacts(kinds)
    const pristineText = pristineStatement(kinds)
    const findPristine = SqlSchema.findAll({
      Request: Schema.Struct({
        templateAgentId: AgentId,
        revision: Schema.Int,
        organizationIds: trustedArray<OrganizationId>()
      }),
      Result: Schema.Struct({
        since: Schema.Int,
        organizationIds: Schema.Array(OrganizationId),
        agentId: AgentId,
        firstIds: Schema.Array(Schema.Int)
      }),
      execute: ({ organizationIds, revision, templateAgentId }) =>
        sql.unsafe(pristineText, [templateAgentId, revision, organizationIds])
    })

    // Revisions never change, so neither does what follows from them.
    const remembered = boundedMap<string, Followed>(mostRemembered)

    return Effect.fnUntraced(function* <I extends Installation & { readonly revision: number }>(
      installations: ReadonlyArray<I>,
      options: GatherOptions
    ) {
      const [first] = installations
      if (first === undefined) return []
      const decideEach = (those: ReadonlyArray<I>) =>
        Effect.map(gatherFacts(those, options), (facts) =>
          Arr.zipWith(those, facts, (installation, one) => ({ installation, decision: decide(one, kinds) }))
        )
      const asked = new Map(installations.map((one) => [one.organizationId, one]))
      const followedBy = Effect.fnUntraced(function* ({
        agentId,
        firstIds,
        organizationIds,
        since
      }: Effect.Effect.Success<ReturnType<typeof findPristine>>[number]) {
        const alike = organizationIds.flatMap((organizationId) => asked.get(organizationId) ?? [])
        const together = ({ actions, decision }: Followed): Option.Option<DecidedTogether<I>> =>
          Option.some({
            decision,
            installations: alike,
            idOffsets: new Map(Arr.zip(organizationIds, firstIds)),
            actions: () => actions
          })
        const name = [first.templateAgentId, since, first.revision, options.leavesOut].join(" ")
        const known = remembered.get(name)
        if (known !== undefined) return together(known)
        const [firstId] = firstIds
        const [model] = yield* decideEach(alike.slice(0, 1))
        if (firstId === undefined || model === undefined) return Option.none()
        const actions = actionsOf(model.decision, { isUninstall: false, agentId }, kinds)
        // Somebody has come in between.
        if (!followsFromRevisions(model.decision, actions)) return Option.none()
        const followed = { decision: model.decision, actions: underOwnIds(actions, { agentId, firstId }) }
        remembered.set(name, followed)
        return together(followed)
      })

      const organizationIds = installations.map(({ organizationId }) => organizationId)
      const pristine = yield* findPristine({ ...first, organizationIds })
      const shared = Arr.getSomes(yield* Effect.forEach(pristine, followedBy))
      for (const { installations } of shared) for (const one of installations) asked.delete(one.organizationId)
      const individual = (yield* decideEach([...asked.values()])).map(
        ({ decision, installation }): DecidedTogether<I> => ({
          decision,
          installations: [installation],
          idOffsets: new Map(),
          actions: (agentId) => actionsOf(decision, { isUninstall: false, agentId }, kinds)
        })
      )
      return [...shared, ...individual]
    })
  })
