import { Options } from "@effect/cli"
import { Console, Data } from "effect"

/** `--json`: prints the answer as one JSON value on the standard output, for programs. */
export const json = Options.boolean("json").pipe(
  Options.withDescription("Print one JSON value instead of text, for programs to read.")
)

/** The option `--json` of a command. */
export interface AsJson {
  readonly json: boolean
}

/** The command failed, for the reason in the message. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly message: string }> {}

/** The command failed, and has already printed the reason. */
export class AlreadyReported extends Data.TaggedError("AlreadyReported") {}

/** A row of a table, by column. */
export type Row = Readonly<Record<string, string | number | boolean | null>>

/** Formats rows as a table of text; columns are as wide as their values, numbers are aligned to the right. */
export const table = (rows: ReadonlyArray<Row>): string => {
  const [first] = rows
  if (first === undefined) return "(none)"
  const columns = Object.keys(first).map((name) => {
    const cells = rows.map((row) => String(row[name] ?? ""))
    const width = Math.max(name.length, ...cells.map((cell) => cell.length))
    const right = rows.every((row) => typeof row[name] === "number")
    return { name, pad: (text: string) => (right ? text.padStart(width) : text.padEnd(width)), width }
  })
  const line = (cells: ReadonlyArray<string>, between: string) => cells.join(between).trimEnd()
  return [
    line(
      columns.map(({ name, pad }) => pad(name)),
      " | "
    ),
    line(
      columns.map(({ width }) => "-".repeat(width)),
      "-+-"
    ),
    ...rows.map((row) =>
      line(
        columns.map(({ name, pad }) => pad(String(row[name] ?? ""))),
        " | "
      )
    )
  ].join("\n")
}

/** Prints the value as JSON if that was asked for, otherwise the text. */
export const print = (asJson: boolean, value: unknown, text: string) =>
  Console.log(asJson ? JSON.stringify(value, null, 2) : text)
