import { SqlClient, SqlSchema } from "@effect/sql"
import { Array as Arr, Effect, Schema } from "effect"
import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { actionsOf, type RowAction, underIds } from "../../domain/installation/Actions.ts"
import { decide } from "../../domain/installation/Decide.ts"
import type { Installation } from "../../domain/installation/Facts.ts"
import { type GatherOptions, makeGatherFacts } from "./GatherFacts.ts"
import { pristineStatement } from "./PristineStatement.ts"

/**
 * Decides about any number of installations of one template, which are to have the same revision. Those that stay as they are published
 * and are at one revision are alike: one of them is looked at, and what is decided about it is decided about all. `actions` is what
 * is to be written of an installation, by the id of its agent.
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
        organizationIds: Schema.Array(OrganizationId)
      }),
      Result: Schema.Struct({
        organizationId: OrganizationId,
        since: Schema.Int,
        agentId: AgentId,
        firstId: Schema.Int
      }),
      execute: ({ organizationIds, revision, templateAgentId }) =>
        sql.unsafe(pristineText, [templateAgentId, revision, organizationIds])
    })

    return Effect.fnUntraced(function* <I extends Installation & { readonly revision: number }>(
      installations: ReadonlyArray<I>,
      options: GatherOptions
    ) {
      const [first] = installations
      if (first === undefined) return []
      const organizationIds = installations.map(({ organizationId }) => organizationId)
      const found = yield* findPristine({ ...first, organizationIds })
      const pristine = new Map(found.map((one) => [one.organizationId, one]))
      const models = new Map(found.map((one) => [one.since, one]))
      const [alike, asked] = Arr.partition(installations, ({ organizationId }) => {
        const own = pristine.get(organizationId)
        return own === undefined || models.get(own.since) === own
      })

      const facts = yield* gatherFacts(asked, options)
      const decided = Arr.zipWith(asked, facts, (installation, one) => {
        const decision = decide(one, kinds)
        const actions = (agentId: AgentId | undefined) => actionsOf(decision, { isUninstall: false, agentId }, kinds)
        return { installation, decision, actions }
      })
      const known = new Map(decided.map((one) => [one.installation.organizationId, one]))
      const written = new Map<OrganizationId, ReadonlyArray<RowAction>>()
      const likewise = alike.flatMap((installation) => {
        const own = pristine.get(installation.organizationId)
        const model = own && models.get(own.since)
        const about = model && known.get(model.organizationId)
        if (own === undefined || model === undefined || about === undefined) return []
        const actions = () => {
          const those = written.get(model.organizationId) ?? about.actions(model.agentId)
          written.set(model.organizationId, those)
          return underIds(those, model, own)
        }
        return [{ installation, decision: about.decision, actions }]
      })
      return [...decided, ...likewise]
    })
  })
