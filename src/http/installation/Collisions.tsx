import type { VNode } from "preact"
import type { RowName } from "../../domain/installation/Plan.ts"
import { kindWords } from "./Words.ts"

interface Colliding {
  readonly kind: RowName["kind"]
  readonly slug: string
  readonly name?: string | null
  readonly owner: string | null
  readonly adoptable: boolean
}

/** The value of a row in a form's choice. */
export const rowValue = ({ kind, slug }: RowName): string => `${kind} ${slug}`

/** The rows that are chosen in a form, by the name of the choice. Values that name no row are ignored. */
export const rowsChosen = (form: URLSearchParams, name: string): ReadonlyArray<RowName> =>
  [...new Set(form.getAll(name))].flatMap((value) => {
    const [kind = "", slug = "", ...more] = value.split(" ")
    return more.length === 0 && slug !== "" && /^[a-z][a-z_]{0,62}$/.test(kind)
      ? [{ kind: kind as RowName["kind"], slug: slug.slice(0, 200) }]
      : []
  })

interface CollisionsProps {
  readonly rows: ReadonlyArray<Colliding>
  readonly chosen: ReadonlyArray<string>
}

/** The collisions of an install, and what the person can do about each. */
export const Collisions = ({ chosen, rows }: CollisionsProps): VNode => (
  <fieldset id="collisions">
    <legend>In the way</legend>
    <p>
      You have {rows.length === 1 ? "something" : "things"} of the same name already, which we never overwrite. Decide
      for each; until then nothing is written.
    </p>
    <ul class="rows">
      {rows.map((row) => (
        <li>
          <strong dir="auto">{row.name ?? row.slug}</strong>{" "}
          <span class="quiet">
            ({kindWords(row.kind).heading.toLowerCase()}; short name <code>{row.slug}</code>)
          </span>
          {row.adoptable ? (
            <>
              <label class="choice">
                <input type="checkbox" name="adopt" value={rowValue(row)} checked={chosen.includes(rowValue(row))} />
                <span>
                  Let the agent take over mine. It gets the publisher’s content, and is updated with the rest. What it
                  said before stays in the history.
                </span>
              </label>
              <span class="why">
                Or keep yours as it is: give it another short name where you made it, then come back.
              </span>
            </>
          ) : (
            <span class="why">
              It belongs to <bdi>{row.owner ?? "somebody else"}</bdi>. Give it another short name or delete it, or
              uninstall the agent it came with, then come back.
            </span>
          )}
        </li>
      ))}
    </ul>
  </fieldset>
)
