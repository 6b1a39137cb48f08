import { Options } from "@effect/cli"
import { Console, Data } from "effect"

/** `--json`: what a command has to say as one JSON value on the standard output, for programs. */
export const json = Options.boolean("json").pipe(
  Options.withDescription("Print one JSON value instead of text, for programs to read.")
)

/** What a command is told by `--json`. */
export interface AsJson {
  readonly json: boolean
}

/** A command is not done, for the reason that the message says. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly message: string }> {}

/** A command is not done, and has said itself what is wrong. */
export class AlreadyReported extends Data.TaggedError("AlreadyReported") {}

/** A row of a table: what stands in each column. */
export type Row = Readonly<Record<string, string | number | boolean | null>>

/** Rows as a table of text, columns as wide as what they hold; numbers to the right. */
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

/** Prints the value as JSON where that is asked for, else the text. */
export const print = (asJson: boolean, value: unknown, text: string) =>
  Console.log(asJson ? JSON.stringify(value, null, 2) : text)
