import { SqlClient } from "@effect/sql"
import { Context, Duration, Effect, Exit, type Fiber, Option, Runtime } from "effect"

interface Waiting<A, B, E> {
  readonly question: A
  /** Who asks, and waits; and the services that they had when they asked. */
  readonly fiber: Fiber.RuntimeFiber<B, E>
  readonly context: Context.Context<never>
  readonly resume: (answer: Effect.Effect<B, E>) => void
}

export interface BatchedOptions {
  /** How long a statement is waited for at most. */
  readonly patience?: Duration.DurationInput
  /** How many questions one statement asks at most. */
  readonly size?: number
  /** Whether each question is asked again, alone, where a statement that asks several fails. */
  readonly failsAlone?: boolean
}

/**
 * Answers the questions of many callers by one statement: of those who come in one turn of the event loop, and while the
 * statement before runs. One that hangs is waited for no longer than `patience`. So a lone caller waits for nobody, and a
 * statement always begins after its questions came: it sees what was committed before. In a transaction a question is asked
 * alone, on its connection.
 *
 * `ask` returns an answer for each question, in their order. If it fails, all its callers fail; with `failsAlone` each is asked
 * again, and only those fail for whom that fails too. To interrupt one affects no other: what was asked goes on, so a
 * write may be done whose caller is gone, or left just before it began. A statement that writes must not wait for a row that
 * somebody else has locked: it would hold up everybody. Logs and spans are those of the first who waited.
 */
export const batched = <A, B, E>(
  ask: (questions: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, E>,
  { failsAlone = false, patience = "20 millis", size = 100 }: BatchedOptions = {}
): ((question: A) => Effect.Effect<B, E>) => {
  const mostMillis = Duration.toMillis(patience)
  let waiting: Array<Waiting<A, B, E>> = []
  /** The statement that is waited for, or the turn of the event loop. */
  let current: object | undefined
  let timer: NodeJS.Timeout | undefined

  const answered = (questions: ReadonlyArray<A>) =>
    Effect.flatMap(ask(questions), (answers) =>
      answers.length === questions.length
        ? Effect.succeed(answers)
        : Effect.dieMessage(`${answers.length} answers came for ${questions.length} questions`)
    )
  const alone = (question: A) => Effect.map(answered([question]), ([answer]) => answer as B)

  /** What came of each question. */
  const outcomes = (questions: ReadonlyArray<A>): Effect.Effect<ReadonlyArray<Exit.Exit<B, E>>> =>
    Effect.matchCauseEffect(answered(questions), {
      onSuccess: (answers) => Effect.succeed(answers.map(Exit.succeed)),
      onFailure: (cause) =>
        failsAlone && questions.length > 1
          ? Effect.forEach(questions, (question) => Effect.exit(alone(question)), { concurrency: "unbounded" })
          : Effect.succeed(questions.map(() => Exit.failCause(cause)))
    })

  /** Begins the next statement when this turn of the event loop ends, in which others may ask. */
  const begin = () => {
    const turn = {}
    current = turn
    setImmediate(() => {
      if (turn === current) next()
    })
  }
  const next = () => {
    clearTimeout(timer)
    timer = undefined
    current = undefined
    // Who was interrupted has mostly ended. To hear of it when it happens would cost more than to ask for one who tidies up.
    waiting = waiting.filter(({ fiber }) => fiber.unsafePoll() === null)
    const together = waiting.splice(0, size)
    const [first] = together
    if (first === undefined) return
    const statement = {}
    current = statement
    if (waiting.length > 0) timer = setTimeout(next, mostMillis)
    // Read here, since it is asked of one of them alone, and costs more than to wait.
    const fiberRefs = first.fiber.getFiberRefs()
    const runtime = Runtime.make({ context: first.context, fiberRefs, runtimeFlags: Runtime.defaultRuntimeFlags })
    Runtime.runFork(runtime)(outcomes(together.map(({ question }) => question))).addObserver((exit) => {
      for (const [at, { resume }] of together.entries())
        resume(Exit.flatten(Exit.map(exit, (all) => all[at] as Exit.Exit<B, E>)))
      if (statement === current) begin()
    })
  }

  const wait = (question: A, fiber: Waiting<A, B, E>["fiber"]) =>
    Effect.async<B, E>((resume) => {
      waiting.push({ question, fiber, context: fiber.currentContext, resume })
      if (current === undefined) begin()
      else timer ??= setTimeout(next, mostMillis)
    })

  return (question) =>
    Effect.withFiberRuntime((fiber) =>
      Option.isSome(Context.getOption(fiber.currentContext, SqlClient.TransactionConnection))
        ? alone(question)
        : wait(question, fiber)
    )
}
