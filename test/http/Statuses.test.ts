import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { installErrors, type PlanStale, type Refusal, refusals } from "../../src/domain/Errors.ts"
import { InstallRequest } from "../../src/domain/installation/Install.ts"
import { openApi } from "../../src/http/Api.ts"
import type { Handler } from "../../src/http/Handlers.ts"
import type { InstallApi } from "../../src/http/installation/InstallApi.ts"
import { problem, problems } from "../../src/http/Problem.ts"
import { install } from "../../src/services/installation/Install.ts"

/** An error as somebody might add it to the workflow, with all that its class has to say. */
class Closed extends Schema.TaggedError<Closed>()("Closed", { until: Schema.String }) {
  static readonly status = 409
  static readonly code = "closed"
  static readonly title = "Closed"
  override get message() {
    return `Nothing is installed until ${this.until}.`
  }
}

/** One that says nothing of its status. */
class Mute extends Schema.TaggedError<Mute>()("Mute", {}) {}

type InstallEndpoint = HttpApiGroup.HttpApiGroup.EndpointsWithName<typeof InstallApi, "install"> & {
  readonly name: "install"
}
type InstallHandler = Handler<InstallEndpoint, never, unknown>

describe("an error of the workflow", () => {
  it("does not compile without a status, whether in the list, on the wire or from a handler", () => {
    // @ts-expect-error: Mute has no status.
    const list = [...installErrors, Mute] as const satisfies ReadonlyArray<Refusal>
    // @ts-expect-error: Mute has no status.
    const wire = () => problem(Mute)
    // @ts-expect-error: Mute has no status.
    const wires = () => problems([Mute])
    assert.isDefined([list, wire, wires])
    // An effect that fails with what the endpoint does not declare is no answer of it.
    type Answers<E> = Effect.Effect<never, E> extends ReturnType<InstallHandler> ? true : false
    const answers: [Answers<PlanStale>, Answers<Mute>, Answers<Closed>] = [true, false, false]
    assert.deepStrictEqual(answers, [true, false, false])
  })

  it("is answered by its endpoint, or the handler does not compile", () => {
    const handler: InstallHandler = ({ body, credential }) => install({ body, credential })
    assert.isFunction(handler)
  })

  it("with a status is on the wire, in the document and in the client by being in the list", () => {
    const errors = [...installErrors, Closed] as const
    const api = HttpApi.make("with one more").add(
      HttpApiGroup.make("install").add(
        HttpApiEndpoint.post("install", "/install").setPayload(InstallRequest).addError(problems(errors))
      )
    )
    const { components, paths } = OpenApi.fromApi(api)
    const conflict = JSON.stringify([paths["/install"]?.post?.responses["409"], components])
    for (const text of ['"closed"', "/docs/errors#closed", '"Closed"', '"until"']) assert.include(conflict, text)
    const closed = new Closed({ until: "noon" })
    const wire = problems(errors)
    const body = Effect.runSync(Schema.encode(wire)(closed))
    assert.deepInclude(body, {
      status: 409,
      error: "closed",
      detail: "Nothing is installed until noon.",
      until: "noon"
    } as never)
    const back = Effect.runSync(Schema.decodeUnknown(wire)(JSON.parse(JSON.stringify(body))))
    assert.instanceOf(back, Closed)
    assert.deepStrictEqual(back, closed)
  })

  it("is among all refusals, and in the document of the API with its status", () => {
    assert.includeMembers<unknown>([...refusals], [...installErrors])
    const responses = openApi.paths["/api/install"]?.post?.responses ?? {}
    for (const { code, status } of installErrors) assert.property(responses, String(status), code)
  })
})
