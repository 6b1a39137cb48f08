import type { VNode } from "preact"
import type { History, HistoryEntry } from "../../domain/installation/History.ts"
import { Time } from "../pages/Time.tsx"
import { count, doneWords, fieldWords, kindWords, valueWords } from "./Words.ts"

const actions: Readonly<Record<HistoryEntry["action"], string>> = {
  install: "Installed",
  resync: "Updated",
  uninstall: "Uninstalled",
  rollout: "Updated by the publisher"
}

const Change = ({ row }: { row: HistoryEntry["rows"][number] }): VNode => (
  <li>
    <span dir="auto">{String(row.after?.name ?? row.before?.name ?? row.slug)}</span>{" "}
    <span class="quiet">({kindWords(row.kind).heading.toLowerCase()})</span>: {doneWords(row.did)}
    {row.before !== null && row.after !== null && row.fields.length > 0 && (
      <details>
        <summary>What changed</summary>
        {row.fields.map((field) => (
          <div>
            <div class="quiet">{fieldWords(field)}</div>
            <div class="fields">
              <div>
                <span class="why">Before</span>
                <pre dir="auto">{valueWords(row.before?.[field] ?? null)}</pre>
              </div>
              <div>
                <span class="why">After</span>
                <pre dir="auto">{valueWords(row.after?.[field] ?? null)}</pre>
              </div>
            </div>
          </div>
        ))}
      </details>
    )}
  </li>
)

const maxRows = 100

/** The history of an agent's rows, newest first. */
export const HistoryList = ({ history, path }: { history: History; path: string }): VNode => (
  <>
    {history.entries.map(({ action, at, by, revision, rows }) => (
      <details>
        <summary>
          {actions[action]}
          {revision !== null && `, revision ${revision}`}: <Time at={at} />
        </summary>
        <p class="why">
          By <bdi>{by.name ?? "somebody who has left"}</bdi>. {count(rows.length, "part")}.
        </p>
        <ul>
          {rows.slice(0, maxRows).map((row) => (
            <Change row={row} />
          ))}
          {rows.length > maxRows && <li>and {rows.length - maxRows} more</li>}
        </ul>
      </details>
    ))}
    {history.next !== null && (
      <nav class="pages" aria-label="History">
        <a href={`${path}?before=${encodeURIComponent(history.next)}#history`}>Earlier</a>
      </nav>
    )}
  </>
)
