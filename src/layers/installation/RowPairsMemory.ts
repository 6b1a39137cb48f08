import { Effect, Layer } from "effect"
import type { RowPair } from "../../domain/installation/Difference.ts"
import { RowPairs } from "../../services/installation/RowPairs.ts"
import { contentOf, type DefinitionRecord, MemoryStore } from "../memory/MemoryStore.ts"

const said = (definition: DefinitionRecord) => contentOf({ ...definition, references: {} }, () => null)

/** The contents of rows in memory. */
export const RowPairsMemory = Layer.effect(
  RowPairs,
  Effect.map(MemoryStore, ({ read }) =>
    RowPairs.of({
      of: ({ organizationId, template: { templateAgentId } }, revision, rows) =>
        read(({ definitions, ledger, revisionRows }) =>
          rows.flatMap(({ kind, slug }): ReadonlyArray<RowPair> => {
            const published = revisionRows.find(
              (row) =>
                row.templateAgentId === templateAgentId &&
                row.revision === revision &&
                row.kind === kind &&
                row.slug === slug
            )
            const entry = ledger.find(
              (one) =>
                one.organizationId === organizationId && one.kind === kind && one.sourceId === published?.sourceId
            )
            const copy = definitions.find(({ id }) => id === entry?.copyId)
            return published === undefined || copy === undefined
              ? []
              : [{ kind, slug, own: said(copy), template: said(published.content) }]
          })
        )
    })
  )
)
