import { Cron, DateTime, Either, Option } from "effect"
import { didYouMean } from "../Nearest.ts"

/** When a cron expression (five fields; UTC) is next due after a time; none if it never is. */
export const nextDue = (expression: string, after: Date): Option.Option<Date> =>
  Either.match(Cron.parse(expression, "UTC"), {
    onLeft: () => Option.none(),
    // `Cron.next` throws if it finds no date, as for 30 February.
    onRight: (cron) => Option.liftThrowable(() => Cron.next(cron, after))()
  })

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  /** Names that stand for numbers, the first for `min`. */
  readonly words: ReadonlyArray<string>
}

const weekday: Field = {
  name: "day of the week",
  min: 0,
  max: 7,
  words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
}

const fields: ReadonlyArray<Field> = [
  { name: "minute", min: 0, max: 59, words: [] },
  { name: "hour", min: 0, max: 23, words: [] },
  { name: "day of the month", min: 1, max: 31, words: [] },
  {
    name: "month",
    min: 1,
    max: 12,
    words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
  },
  weekday
]

const order = "minute, hour, day of the month, month, day of the week"

const nicknames: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *"
}

const numberOf = ({ min, words }: Field, text: string): number | undefined => {
  if (/^\d+$/.test(text)) return Number(text)
  const at = words.indexOf(text.toLowerCase())
  return at === -1 ? undefined : at + min
}

const isZone = (text: string) =>
  numberOf(weekday, text) === undefined && /^(?:Z|[A-Z]{3,4}|[A-Za-z_]+\/[A-Za-z_/+-]+|[+-]\d{2}:?\d{2})$/.test(text)

/** For syntax that other programs accept and this service does not: what to write instead. */
const otherDialects = (field: Field, part: string): string | undefined => {
  if (part === "?") return "? is not read; write *"
  if (/#/.test(part)) {
    return `${part} (a weekday by its number in the month) can't be said; write ${part.split("#")[0] || "the weekday"} for each week, and let the prompt pass over the others`
  }
  if (/^(?:\d*L|L-\d+)$/i.test(part)) {
    return field.name === "day of the month"
      ? `${part} (the last day) can't be said; write 28, which each month has, or 1`
      : `${part} (the last of its kind in the month) can't be said; write ${part.slice(0, -1) || "the weekday"} for each week, and let the prompt pass over the others`
  }
  if (/^(?:\d+W|LW)$/i.test(part)) {
    return `${part} (the nearest working day) can't be said; write the day itself, or 1-5 as day of the week`
  }
  if (/^H\b/i.test(part)) return `${part} (any time, for the program to choose) can't be said; write a number`
  return undefined
}

const valueProblem = (field: Field, text: string): string | undefined => {
  const value = numberOf(field, text)
  if (value !== undefined) {
    return value >= field.min && value <= field.max ? undefined : `${text} is not from ${field.min} to ${field.max}`
  }
  if (text === "") return "a value is missing"
  if (/^\d+\.\d*$/.test(text)) return `${text} is no whole number from ${field.min} to ${field.max}`
  const { words } = field
  const short = words.find((word) => text.toLowerCase().startsWith(word))
  const expected = `a number from ${field.min} to ${field.max}${words.length > 0 ? `, or ${words[0]} to ${words.at(-1)}` : ""}`
  return `${text} is not ${expected}${short === undefined ? didYouMean(text, words) : `; did you mean "${short}"?`}`
}

const partProblem = (field: Field, part: string): string | undefined => {
  const [range = "", step, ...more] = part.split("/")
  if (more.length > 0) return `${part} has more than one step`
  if (step !== undefined && (!/^\d+$/.test(step) || Number(step) < 1 || Number(step) > field.max)) {
    return `${part} has a step that is not from 1 to ${field.max}`
  }
  if (range === "*") return undefined
  const [first = "", last, ...others] = range.split("-")
  if (others.length > 0) return `${range} is no range; write it as ${field.min}-${field.max}`
  const wrong = valueProblem(field, first) ?? (last === undefined ? undefined : valueProblem(field, last))
  if (wrong !== undefined) return wrong
  const [from, to] = [numberOf(field, first) ?? 0, last === undefined ? undefined : (numberOf(field, last) ?? 0)]
  if (to === undefined || from <= to) return undefined
  const end = field === weekday ? 6 : field.max
  return `${range} runs backwards; write ${from === end ? end : `${from}-${end}`},${to === field.min ? to : `${field.min}-${to}`}`
}

const anyDay = DateTime.toDateUtc(DateTime.unsafeMake("2024-01-01"))

/**
 * Why a text is not a schedule, and what to write instead; undefined if it is one: a cron expression of five fields, in
 * UTC, that will be due some day. Its fields are those of POSIX crontab, with steps and English names of months and
 * weekdays.
 */
export const scheduleProblem = (expression: string): string | undefined => {
  const text = expression.trim()
  if (text === "") return `is empty; write five fields (${order}), like 0 7 * * 1`
  if (text.startsWith("@")) {
    const meant = nicknames[text.toLowerCase()]
    return meant === undefined
      ? `${text} can't be said; write five fields (${order}), like 0 7 * * 1`
      : `${text} is not read; write ${meant}`
  }
  const parts = text.split(/\s+/)
  const zone = parts.find((part) => /^(?:CRON_)?TZ=/.test(part)) ?? parts.slice(5).find(isZone)
  if (zone !== undefined) return `${zone} is not read, since times are in UTC; leave it out, and write the time in UTC`
  if (parts.length === 6) {
    return `has six fields, and seconds or years are not kept; write five (${order}), perhaps ${parts.slice(1).join(" ")}`
  }
  if (parts.length !== 5) {
    return `has ${parts.length} ${parts.length === 1 ? "field" : "fields"}; write five (${order}), like 0 7 * * 1`
  }
  for (const [at, field] of fields.entries()) {
    for (const part of (parts[at] ?? "").split(",")) {
      const wrong = otherDialects(field, part) ?? partProblem(field, part)
      if (wrong !== undefined) return `${field.name}: ${wrong}`
    }
  }
  return Option.isNone(nextDue(text, anyDay)) ? "never comes due: no month that it names has such a day" : undefined
}
