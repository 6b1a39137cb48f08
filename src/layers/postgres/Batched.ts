import { SqlClient } from "@effect/sql"
import { Effect, Exit, Option, Runtime } from "effect"

interface Waiting<A, B, E> {
  readonly question: A
  readonly runtime: Runtime.Runtime<never>
  readonly resume: (answer: Effect.Effect<B, E>) => void
}

export interface BatchedOptions {
  /** How many statements run at a time. */
  readonly inFlight?: number
  /** How many questions one statement asks at most. */
  readonly size?: number
}

/**
 * Asks the questions of many callers by one statement, as a group commit writes for many. A caller who comes while fewer
 * than `inFlight` statements run is asked for at once and alone. Whoever comes later waits until one of them ends, and is
 * asked for together with all others who wait. So a lone caller never waits, and every statement begins after its
 * questions came: what was committed before is seen. Within a transaction a question is asked on its connection, alone.
 *
 * `ask` answers each of its questions, in their order. If it fails, all their callers do. A caller who is interrupted
 * takes nothing from the others. It is for what only reads: a row that somebody else has locked would hold up all.
 */
export const batched = <A, B, E>(
  ask: (questions: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, E>,
  { inFlight = 2, size = 100 }: BatchedOptions = {}
): ((question: A) => Effect.Effect<B, E>) => {
  let waiting: Array<Waiting<A, B, E>> = []
  let running = 0

  const answered = (questions: ReadonlyArray<A>) =>
    Effect.flatMap(ask(questions), (answers) =>
      answers.length === questions.length
        ? Effect.succeed(answers)
        : Effect.dieMessage(`${answers.length} answers came for ${questions.length} questions`)
    )
  const alone = (question: A) => Effect.map(answered([question]), ([answer]) => answer as B)

  const begin = (together: ReadonlyArray<Waiting<A, B, E>>, runtime: Runtime.Runtime<never>) => {
    running += 1
    Runtime.runFork(runtime)(answered(together.map(({ question }) => question))).addObserver((exit) => {
      for (const [at, { resume }] of together.entries()) resume(Exit.map(exit, (answers) => answers[at] as B))
      end()
    })
  }
  const end = () => {
    running -= 1
    const together = waiting.splice(0, size)
    if (together[0] !== undefined) begin(together, together[0].runtime)
  }

  const wait = (question: A) =>
    Effect.flatMap(Effect.runtime<never>(), (runtime) =>
      Effect.async<B, E>((resume) => {
        const one = { question, runtime, resume }
        waiting.push(one)
        return Effect.sync(() => {
          waiting = waiting.filter((other) => other !== one)
        })
      })
    )

  return (question) =>
    Effect.flatMap(Effect.serviceOption(SqlClient.TransactionConnection), (transaction) =>
      Option.isSome(transaction)
        ? alone(question)
        : Effect.uninterruptibleMask((restore) => {
            if (running >= inFlight) return restore(wait(question))
            running += 1
            return Effect.ensuring(restore(alone(question)), Effect.sync(end))
          })
    )
}
