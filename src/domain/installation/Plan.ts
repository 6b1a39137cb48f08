import { Array as Arr, Schema } from "effect"
import { Kind } from "../catalog/Kind.ts"
import { AgentId, exampleIds, OrganizationId } from "../Ids.ts"
import { BoundedText } from "../Text.ts"

/** What an install would do with a row; the first that fits. */
export const Verdict = Schema.Literal(
  "deleted_by_owner",
  "collision",
  "retire",
  "customized",
  "create",
  "update",
  "unchanged"
)
export type Verdict = typeof Verdict.Type

/** What happens to a withdrawn row: it is removed, is hidden, stays with a sibling template, or was deleted before. */
export const Fate = Schema.Literal("removed", "kept", "passed_on", "forgotten")
export type Fate = typeof Fate.Type

/** Why a withdrawn row is not removed: the person changed it, it was theirs before it was adopted, or something uses it. */
export const KeepReason = Schema.Literal("customized", "adopted", "in_use")
export type KeepReason = typeof KeepReason.Type

/** A row by what a person calls it. */
export const RowName = Schema.Struct({ kind: Kind, slug: BoundedText(1, 200) }).annotations({
  identifier: "RowName",
  description: "A row, named by its kind and slug."
})
export type RowName = typeof RowName.Type

/**
 * What a person wants done with rows that an install would otherwise refuse or leave alone. Each name is for this request, and for
 * exactly the row that has it.
 */
export const Wishes = {
  adopt: Schema.optionalWith(Schema.Array(RowName), { exact: true }).annotations({
    description:
      "Rows the person made whose slug the template needs (verdict collision): they become the template's, content and all."
  }),
  revert: Schema.optionalWith(Schema.Array(RowName), { exact: true }).annotations({
    description: "Rows the person changed (verdict customized): they get the template's content back."
  }),
  restore: Schema.optionalWith(Schema.Array(RowName), { exact: true }).annotations({
    description: "Rows the person deleted (verdict deleted_by_owner): they come back."
  })
}
export type Wishes = Schema.Struct.Type<typeof Wishes>

/** The lists of wishes, and the verdict the rows of each must have. */
export const wishVerdicts = {
  adopt: "collision",
  revert: "customized",
  restore: "deleted_by_owner"
} as const satisfies Record<keyof Wishes, Verdict>

/** The name of a list of wishes. */
export const Wish = Schema.Literal("adopt", "revert", "restore")
export type Wish = typeof Wish.Type

/** Every name of the wishes with its list, in order. */
export const wishesOf = (wishes: Wishes) =>
  Wish.literals.flatMap((wish) => (wishes[wish] ?? []).map((row, at) => ({ wish, at, ...row })))

/** Says where wishes name a row twice, in one list or in two. */
export const namesEachRowOnce = (wishes: Wishes) => {
  const seen = new Set<string>()
  return wishesOf(wishes).flatMap(({ at, kind, slug, wish }) => {
    const name = `${kind} ${slug}`
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    return [{ path: [wish, at], message: "this row is named before; name each row once" }]
  })
}

/** The hash of a plan: a SHA-256 as 64 hexadecimal digits. */
export const PlanHash = Schema.String.pipe(
  Schema.pattern(/^[0-9a-f]{64}$/, {
    message: () => "Expected the planHash of a plan: 64 digits, 0 to 9 and a to f"
  })
)

/** The plan that a request must keep to. */
export const expectedPlan = Schema.optionalWith(PlanHash, { exact: true }).annotations({
  description: "The planHash of a plan: do exactly that, or answer 409 plan_stale."
})

/** One row of a plan. */
export const PlannedRow = Schema.Struct({
  kind: Kind,
  slug: Schema.String,
  name: Schema.NullOr(Schema.String),
  verdict: Verdict,
  fate: Schema.NullOr(Fate).annotations({ description: "Where the verdict is retire: what becomes of the row." }),
  because: Schema.NullOr(KeepReason).annotations({ description: "Where the fate is kept: why." }),
  owner: Schema.NullOr(Schema.String).annotations({
    description: "Where the verdict is collision: the slug of the organization whose row has the slug."
  }),
  adoptable: Schema.Boolean.annotations({
    description:
      "Where the verdict is collision: whether adopt may name the row. It may if the person made the row that has the slug, and the template has no copy yet."
  }),
  fields: Schema.Array(Schema.String).annotations({
    description: "Where the verdict is update or customized: the fields in which template and copy differ."
  })
})
export type PlannedRow = typeof PlannedRow.Type

/** How many rows of a kind have a verdict. */
export const VerdictCount = Schema.Struct({ kind: Kind, verdict: Verdict, rows: Schema.Int })
export type VerdictCount = typeof VerdictCount.Type

/** Rows counted by kind and verdict. */
export const countVerdicts = (rows: ReadonlyArray<Pick<PlannedRow, "kind" | "verdict">>): ReadonlyArray<VerdictCount> =>
  Object.values(Arr.groupBy(rows, ({ kind, verdict }) => `${kind} ${verdict}`)).map(([{ kind, verdict }, ...more]) => ({
    kind,
    verdict,
    rows: 1 + more.length
  }))

/** What a publisher says is new in a revision. */
export const RevisionNotes = Schema.Struct({ revision: Schema.Int, notes: Schema.String })
export type RevisionNotes = typeof RevisionNotes.Type

/** The notes of how many revisions a plan has at most. */
export const mostNotes = 20

/** What an install would do. `planHash` stays the same as long as it would do the same to the same rows. */
export const Plan = Schema.Struct({
  templateAgentId: AgentId,
  organizationId: OrganizationId,
  revision: Schema.Int,
  planHash: PlanHash,
  notes: Schema.Array(RevisionNotes).annotations({
    description: `What the publisher says is new in the revisions after the installed one, up to this one; the newest first, ${mostNotes} at most. None for a first install.`
  }),
  rows: Schema.Array(PlannedRow)
}).annotations({
  identifier: "Plan",
  description: "What an install or a resync would do with each row.",
  examples: [
    {
      templateAgentId: exampleIds.templateAgentId,
      organizationId: exampleIds.organizationId,
      revision: 2,
      planHash: PlanHash.make("3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855e"),
      notes: [{ revision: 2, notes: "Bank accounts say which bank they are at." }],
      rows: [
        {
          kind: "entity_types",
          slug: "bank-account",
          name: "Bank account",
          verdict: "update",
          fate: null,
          because: null,
          owner: null,
          adoptable: false,
          fields: ["description"]
        },
        {
          kind: "watchers",
          slug: "inbox",
          name: "Inbox",
          verdict: "retire",
          fate: "kept",
          because: "in_use",
          owner: null,
          adoptable: false,
          fields: []
        }
      ]
    }
  ]
})
export type Plan = typeof Plan.Type

/** Some of the names that there are, with commas between. */
const someOf = <A extends string>(names: Schema.Schema<A>, expected: string) =>
  Schema.compose(Schema.split(","), Schema.Array(names), { strict: false }).annotations({
    message: () => ({ message: expected, override: true }),
    jsonSchema: { type: "string", pattern: "^[^,]+(,[^,]+)*$" }
  })

/** The parameters that choose rows of a plan. Its hash is that of the whole plan. */
export const planFilter = {
  kind: Schema.optionalWith(someOf(Kind, "Expected kinds, with commas between"), { exact: true }).annotations({
    description: "Only rows of this kind, or of one of several, with commas between."
  }),
  verdict: Schema.optionalWith(someOf(Verdict, `Expected ${Verdict.literals.join(", ")}; commas between several`), {
    exact: true
  }).annotations({
    description:
      "Only rows that have this verdict, or one of several, with commas between. planHash stays that of the whole plan."
  })
}
export const PlanQuery = Schema.Struct(planFilter)
export type PlanQuery = typeof PlanQuery.Type

/** A plan with the rows that were asked for. */
export const chosenRows = (plan: Plan, { kind, verdict }: PlanQuery): Plan => ({
  ...plan,
  rows: plan.rows.filter(
    (row) => (kind === undefined || kind.includes(row.kind)) && (verdict === undefined || verdict.includes(row.verdict))
  )
})

/** The largest number a revision can have: a Postgres integer. */
export const latestRevision = 2_147_483_647

/** The revision to follow: one by its number, until a resync says otherwise; or always the newest. */
export const WantedRevision = Schema.Union(Schema.Int.pipe(Schema.between(1, latestRevision)), Schema.Literal("newest"))
export type WantedRevision = typeof WantedRevision.Type

const UninstalledRow = Schema.Struct({ kind: Kind, slug: Schema.String, name: Schema.String })

/** What an uninstall removes and what it leaves, row by row. */
export const UninstallOutcome = Schema.Struct({
  agentId: AgentId,
  organizationId: OrganizationId,
  removed: Schema.Array(UninstalledRow).annotations({ description: "Rows that are removed: unchanged and unused." }),
  kept: Schema.Array(Schema.Struct({ ...UninstalledRow.fields, because: KeepReason })).annotations({
    description:
      "Rows that stay and are visible; a later install finds them again. A row that was the person's own before it was adopted, and that the publisher has withdrawn, becomes the person's own again."
  }),
  passedOn: Schema.Array(UninstalledRow).annotations({
    description: "Rows that stay with another installed agent of the same publisher."
  })
})

/** A row as a person calls it. */
export const namedRow = ({ kind, name, slug }: PlannedRow) => ({ kind, slug, name: name ?? slug })

/** The withdrawn rows that stay, and why. */
export const keptRows = (rows: ReadonlyArray<PlannedRow>) =>
  rows.flatMap((row) => (row.because === null ? [] : [{ ...namedRow(row), because: row.because }]))

/** The rows of an uninstall's plan by their fate, without those that the person had deleted before. */
export const uninstallOutcomeOf = (rows: ReadonlyArray<PlannedRow>) => {
  const named = (fate: Fate) => rows.filter((row) => row.fate === fate).map(namedRow)
  return { removed: named("removed"), kept: keptRows(rows), passedOn: named("passed_on") }
}

const exampleOutcome: typeof UninstallOutcome.Type = {
  agentId: exampleIds.agentId,
  organizationId: exampleIds.organizationId,
  removed: [{ kind: "watchers", slug: "weekly-deadline-radar", name: "Deadlines" }],
  kept: [{ kind: "entity_types", slug: "bank-account", name: "My accounts", because: "customized" }],
  passedOn: []
}

/** What an uninstall would do; one that expects this `planHash` does exactly that. */
export const UninstallPlan = Schema.Struct({ ...UninstallOutcome.fields, planHash: PlanHash }).annotations({
  identifier: "UninstallPlan",
  description: "What an uninstall would do with each row.",
  examples: [
    {
      ...exampleOutcome,
      planHash: PlanHash.make("d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592")
    }
  ]
})
export type UninstallPlan = typeof UninstallPlan.Type

/** The parameters of that plan. */
export const UninstallPlanQuery = Schema.Struct({ kind: planFilter.kind })

/** The plan with the rows that were asked for. */
export const chosenOutcome = (plan: UninstallPlan, { kind }: typeof UninstallPlanQuery.Type): UninstallPlan => {
  const chosen = <A extends { readonly kind: Kind }>(rows: ReadonlyArray<A>) =>
    rows.filter((row) => kind === undefined || kind.includes(row.kind))
  return { ...plan, removed: chosen(plan.removed), kept: chosen(plan.kept), passedOn: chosen(plan.passedOn) }
}

/** What an uninstall did. */
export const Uninstalled = Schema.Struct({
  ...UninstallOutcome.fields,
  agentRemoved: Schema.Boolean.annotations({
    description: "False if rows of another program refer to the agent: then it stays, as an agent of the person's own."
  })
}).annotations({
  identifier: "Uninstalled",
  description: "What an uninstall did with each row.",
  examples: [{ ...exampleOutcome, agentRemoved: true }]
})
export type Uninstalled = typeof Uninstalled.Type
