import { type Context, type Duration, Effect, Layer, Predicate } from "effect"

type Method<E> = (...args: never) => Effect.Effect<unknown, E, unknown>

/** What goes wrong instead of a call: an error that the method can fail with, or a fault. */
export type Failure<E> = ({ readonly fails: E } | { readonly dies: unknown }) & {
  /** Which of the calls: 1 for the first; absent, each. */
  readonly at?: number | undefined
  /** How long the call takes before it goes wrong, by the clock of the test. */
  readonly after?: Duration.DurationInput | undefined
}

/** The methods of a service that go wrong, and how. */
export type Script<Service> = {
  readonly [Name in keyof Service as Service[Name] extends Method<infer _>
    ? Name
    : never]?: Service[Name] extends Method<infer E> ? Failure<E> | ReadonlyArray<Failure<E>> : never
}

type AnyMethod = (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown, unknown>

const goesWrong = (failure: Failure<unknown>) =>
  Effect.zipRight(
    failure.after === undefined ? Effect.void : Effect.sleep(failure.after),
    "fails" in failure ? Effect.fail(failure.fails) : Effect.die(failure.dies)
  )

const scripted = (method: AnyMethod, failures: ReadonlyArray<Failure<unknown>>): AnyMethod => {
  let calls = 0
  return (...args) =>
    Effect.suspend(() => {
      calls++
      const failure = failures.find(({ at }) => at === undefined || at === calls)
      return failure === undefined ? method(...args) : goesWrong(failure)
    })
}

/**
 * A world in which one service goes wrong as a script says, and is as it was for the rest:
 *
 * ```ts
 * AppMemory(seed).pipe(failing(TemplateMirror, { apply: { fails: new PlanStale(), at: 2, after: "1 second" } }))
 * ```
 *
 * Workflows meet it, since they ask for services by their tags; services that the world's layers are made of don't.
 */
export const failing =
  <Id, Service extends object>(tag: Context.Tag<Id, Service>, script: Script<Service>) =>
  <ROut, E, R>(world: Layer.Layer<ROut, E, R>): Layer.Layer<ROut | Id, E, R | Exclude<Id, ROut>> =>
    Layer.provideMerge(
      Layer.effect(
        tag,
        Effect.map(tag, (service) => {
          const methods = Object.entries(
            script as Readonly<Record<string, Failure<unknown> | ReadonlyArray<Failure<unknown>>>>
          )
          const changed = methods.map(([name, failures]) => {
            const method: unknown = Reflect.get(service, name)
            if (!Predicate.isFunction(method)) throw new Error(`${tag.key} has no method ${name}`)
            return [name, scripted(method.bind(service) as AnyMethod, [failures].flat())] as const
          })
          return { ...service, ...Object.fromEntries(changed) }
        })
      ),
      world
    )
