import type { Kind } from "../../domain/catalog/Kind.ts"
import type { Mode } from "../../domain/catalog/Mode.ts"
import type { RowChange } from "../../domain/installation/History.ts"
import type { KeepReason, PlannedRow } from "../../domain/installation/Plan.ts"

/* How the service's own terms are put for a person. */

const kinds: Readonly<Record<string, readonly [heading: string, what: string]>> = {
  entity_types: ["Things it keeps track of", "The kinds of things it knows, and what it notes of each."],
  entity_relationship_types: ["How these belong together", "The connections it can make between them."],
  watchers: ["What it does by itself", "Each looks for something at fixed times."],
  event_classifiers: ["How it sorts what it finds", "The labels it puts on what its watchers bring."]
}

/** The heading of a kind of definition, and what it is for. */
export const kindWords = (kind: Kind) => {
  const [heading, what] = kinds[kind] ?? [kind, ""]
  return { heading, what }
}

/** The kinds of some rows, in the order in which pages show them: those with a heading first. */
export const kindsOf = (rows: ReadonlyArray<{ readonly kind: Kind }>): ReadonlyArray<Kind> => {
  const present = new Set<string>(rows.map(({ kind }) => kind))
  return [...new Set([...Object.keys(kinds).filter((kind) => present.has(kind)), ...present])] as ReadonlyArray<Kind>
}

/** A number with its noun. */
export const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`

const keptBecause: Readonly<Record<KeepReason, string>> = {
  customized: "you changed it",
  adopted: "it was yours before",
  in_use: "it is in use"
}

/** Why a row that could be removed is kept. */
export const keepReasonWords = (because: KeepReason): string => keptBecause[because]

/** The state of a row, in a sentence for its person. */
export const rowStateWords = ({ because, fate, owner, verdict }: PlannedRow): string => {
  switch (verdict) {
    case "unchanged":
      return "As published"
    case "customized":
      return "You changed this. Your changes were kept."
    case "deleted_by_owner":
      return "You deleted this. It stays deleted."
    case "create":
      return "New. It comes with an update."
    case "update":
      return "The publisher changed this. It comes with an update."
    case "collision":
      return owner === null
        ? "Something else here has this name already."
        : `Something of ${owner} here has this name already.`
    case "retire":
      return fate === "kept" && because !== null
        ? `The publisher withdrew this. It stays, hidden, because ${keptBecause[because]}.`
        : fate === "passed_on"
          ? "The publisher withdrew this here. Another agent of theirs that you have keeps it."
          : fate === "forgotten"
            ? "The publisher withdrew this, and you had deleted it."
            : "The publisher withdrew this. It goes with an update."
  }
}

const changeWords: Readonly<Record<RowChange, string>> = {
  created: "added",
  updated: "updated",
  adopted: "taken over from yours",
  reverted: "put back to the publisher’s version",
  restored: "brought back",
  removed: "removed",
  hidden: "hidden, since it is in use or yours",
  shown: "shown again",
  kept: "kept",
  passed_on: "left to another agent"
}

/** What was done to a row. */
export const doneWords = (change: RowChange): string => changeWords[change]

const fieldNames: Readonly<Record<string, string>> = {
  slug: "short name",
  metadata_schema: "what it notes",
  event_kinds: "kinds of events",
  is_symmetric: "goes both ways",
  schedule: "times it runs at",
  sources: "where it looks",
  prompt: "instructions",
  extraction_schema: "what it takes out",
  reactions_guidance: "how it reacts",
  attribute_key: "label",
  attribute_values: "values",
  min_similarity: "how sure it has to be",
  fallback_value: "value if unsure",
  watcher_id: "watcher",
  extensions: "other"
}

/** The name of a field. */
export const fieldWords = (field: string): string => fieldNames[field] ?? field.replaceAll("_", " ")

const longest = 2_000

/** The value of a field: text as it is, anything else as JSON; shortened if it is long. */
export const valueWords = (value: unknown): string => {
  const text = value === null ? "(nothing)" : typeof value === "string" ? value : JSON.stringify(value, null, 2)
  return text.length <= longest ? text : `${text.slice(0, longest).toWellFormed()}…`
}

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

/** When a schedule is due: in words if it is simple, else as it is written. */
export const scheduleWords = (schedule: string): string => {
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = schedule.trim().split(/\s+/)
  const written = `at the times “${schedule}” (UTC)`
  if (!/^\d+$/.test(minute) || month !== "*") return written
  const past = minute.padStart(2, "0")
  if (hour === "*" && day === "*" && weekday === "*") return `every hour, at ${past} minutes past`
  if (!/^\d+$/.test(hour)) return written
  const at = `at ${hour.padStart(2, "0")}:${past} UTC`
  if (day === "*" && weekday === "*") return `every day ${at}`
  if (day === "*" && weekday === "1-5") return `Monday to Friday ${at}`
  if (day === "*" && /^[0-7]$/.test(weekday)) return `every ${days[Number(weekday)]} ${at}`
  if (/^\d+$/.test(day) && weekday === "*") return `on day ${day} of each month ${at}`
  return written
}

/** What the modes are called, where a person chooses one, and what is said of each. */
export const modeWords: Readonly<
  Record<Mode, { readonly choice: string; readonly now: string; readonly change: string }>
> = {
  copy: {
    choice: "Copy everything into my organization",
    now: "What it brought was copied into your organization.",
    change: "Copy everything into my organization"
  },
  reference: {
    choice: "Refer to what is published, and copy only what I change",
    now: "It refers to what its publisher published, at the revision you chose. What you change or delete is your own.",
    change: "Refer to what is published instead"
  }
}
