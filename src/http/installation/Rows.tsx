import type { ComponentChildren, VNode } from "preact"
import type { RowDifference } from "../../domain/installation/Difference.ts"
import type { PlannedRow } from "../../domain/installation/Plan.ts"
import { fieldWords, rowStateWords, valueWords } from "./Words.ts"

/** The fields in which a row differs, as the person has them and as the publisher does. */
export const Differences = ({ difference }: { difference: RowDifference }): VNode => (
  <>
    {difference.fields.map(({ field, own, template }) => (
      <div>
        <div class="quiet">{fieldWords(field)}</div>
        <div class="fields">
          <div>
            <span class="why">Yours</span>
            <pre dir="auto">{valueWords(own)}</pre>
          </div>
          <div>
            <span class="why">The publisher’s</span>
            <pre dir="auto">{valueWords(template)}</pre>
          </div>
        </div>
      </div>
    ))}
  </>
)

interface RowProps {
  readonly row: PlannedRow
  readonly difference: RowDifference | undefined
  readonly children?: ComponentChildren
}

/** A row: its name, its state, and what was changed in it. */
export const Row = ({ children, difference, row }: RowProps): VNode => (
  <li>
    <strong dir="auto">{row.name ?? row.slug}</strong>{" "}
    {row.verdict === "unchanged" ? (
      <span class="mark">as published</span>
    ) : (
      <span class="mark changed">{marks[row.verdict]}</span>
    )}
    {row.verdict !== "unchanged" && <div>{rowStateWords(row)}</div>}
    {difference !== undefined && difference.fields.length > 0 && (
      <details>
        <summary>What differs</summary>
        <Differences difference={difference} />
      </details>
    )}
    {children}
  </li>
)

const marks: Readonly<Record<PlannedRow["verdict"], string>> = {
  unchanged: "as published",
  customized: "changed by you",
  deleted_by_owner: "deleted by you",
  create: "new",
  update: "changed by the publisher",
  retire: "withdrawn",
  collision: "name is taken"
}

/** The difference of one row. */
export const differenceOf = (differences: ReadonlyArray<RowDifference>, { kind, slug }: PlannedRow) =>
  differences.find((one) => one.kind === kind && one.slug === slug)
