import {
  HttpApi,
  HttpApiBuilder,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiSchema,
  HttpServer,
  HttpServerResponse
} from "@effect/platform"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Effect, Layer, Logger, Schema } from "effect"
import {
  type AgentNotFound,
  Internal,
  type InvalidRequest,
  type ReadError,
  TooLarge,
  Unavailable,
  UnknownTemplateSlug
} from "../../src/domain/Errors.ts"
import { cached } from "../../src/http/Cached.ts"
import { unreadable } from "../../src/http/Contract.ts"
import { group, type Handlers } from "../../src/http/Handlers.ts"
import { problem } from "../../src/http/Problem.ts"
import { Refusals } from "../../src/http/Refusals.ts"
import { Health } from "../../src/services/runtime/Health.ts"

const Shelf = Schema.Struct({ name: Schema.String, books: Schema.NumberFromString })

class Shelves extends HttpApiGroup.make("shelves")
  .add(
    HttpApiEndpoint.post("fill", "/shelves/:id")
      .setPath(Schema.Struct({ id: Schema.String }))
      .setPayload(Schema.Struct({ books: Schema.optionalWith(Schema.Int, { default: () => 1 }) }))
      .addSuccess(Shelf)
      .addError(unreadable)
      .addError(problem(UnknownTemplateSlug))
  )
  .add(
    HttpApiEndpoint.get("view", "/shelves")
      .setUrlParams(Schema.Struct({ limit: Schema.NumberFromString }))
      .addSuccess(Shelf)
      .addSuccess(HttpApiSchema.Empty(304))
      .addError(problem(UnknownTemplateSlug))
  )
  .add(HttpApiEndpoint.del("clear", "/shelves").addSuccess(HttpApiSchema.NoContent)) {}

const Library = HttpApi.make("library").add(Shelves).addError(problem(Internal)).addError(problem(Unavailable))

const shelf = (books: number) => ({ name: "Travel", books })

/** Asks the group with these handlers. */
const asking = (
  fill: Effect.Effect<typeof Shelf.Type, UnknownTemplateSlug>,
  request: Request = new Request("http://library/shelves/a", { method: "POST", headers: { "content-length": "0" } })
) =>
  Effect.promise(async () => {
    const ShelvesHttp = group(Library, "shelves", {
      fill: ({ body }) => Effect.zipRight(Effect.orDie(body), fill),
      view: () => Effect.succeed(cached(Shelf, shelf(3))),
      clear: () => Effect.void
    })
    const { dispose, handler } = HttpApiBuilder.toWebHandler(
      Layer.mergeAll(
        HttpApiBuilder.api(Library).pipe(Layer.provide(ShelvesHttp)),
        Refusals,
        HttpServer.layerContext
      ).pipe(Layer.provide(Layer.mock(Health, {})), Layer.provide(Logger.remove(Logger.defaultLogger)))
    )
    const answer = await handler(request)
    const text = await answer.text()
    await dispose()
    return {
      status: answer.status,
      etag: answer.headers.get("etag") ?? "",
      body: text === "" ? null : JSON.parse(text)
    }
  })

describe("a handler", () => {
  it.effect("answers with the value its endpoint declares, as its schema writes it", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* asking(Effect.succeed(shelf(3))), { status: 200, body: { name: "Travel", books: "3" } })
      const cleared = yield* asking(Effect.never, new Request("http://library/shelves", { method: "DELETE" }))
      assert.deepInclude(cleared, { status: 204, body: null })
    })
  )

  it.effect("fails with a refusal, which is answered with its status", () =>
    Effect.gen(function* () {
      const { body, status } = yield* asking(Effect.fail(new UnknownTemplateSlug({ slug: "x" })))
      assert.deepStrictEqual([status, body.error], [404, "unknown_slug"])
    })
  )

  it.effect("that dies has met a fault, also where it dies of what would be a refusal", () =>
    Effect.gen(function* () {
      for (const defect of [new UnknownTemplateSlug({ slug: "x" }), new TooLarge({ limitBytes: 1 }), new Error("x")]) {
        const { body, status } = yield* asking(Effect.die(defect))
        assert.deepStrictEqual([status, body.error], [500, "internal"])
      }
    })
  )

  it.effect("is refused what was refused, whatever goes wrong afterwards", () =>
    Effect.gen(function* () {
      const refused = Effect.fail(new UnknownTemplateSlug({ slug: "x" })).pipe(
        Effect.ensuring(Effect.die("afterwards"))
      )
      assert.strictEqual((yield* asking(refused)).status, 404)
    })
  )

  it.effect("whose value its schema can't write has met a fault", () =>
    Effect.gen(function* () {
      const { body, status } = yield* asking(Effect.succeed({ name: 1 as unknown as string, books: 3 }))
      assert.deepStrictEqual([status, body.error], [500, "internal"])
    })
  )

  it.effect("keeps the value of an endpoint that declares 304", () =>
    Effect.gen(function* () {
      const first = yield* asking(Effect.never, new Request("http://library/shelves"))
      assert.deepStrictEqual(first.body, { name: "Travel", books: "3" })
      const headers = { "if-none-match": `"other", W/${first.etag}` }
      const again = yield* asking(Effect.never, new Request("http://library/shelves", { headers }))
      assert.deepStrictEqual([again.status, again.body, again.etag], [304, null, first.etag])
    })
  )
})

describe("the contract of a handler", () => {
  const others = { view: () => Effect.succeed(cached(Shelf, shelf(3))), clear: () => Effect.void }
  const fill = () => Effect.succeed(shelf(3))

  it("gives each what its endpoint declares", () => {
    group(Library, "shelves", {
      fill: (asked) => {
        expectTypeOf(asked.path).toEqualTypeOf<{ readonly id: string }>()
        expectTypeOf(asked.body).toEqualTypeOf<Effect.Effect<{ readonly books: number }, ReadError>>()
        expectTypeOf(asked).not.toHaveProperty("query")
        return Effect.as(asked.body, shelf(3))
      },
      view: (asked) => {
        expectTypeOf(asked.query).toEqualTypeOf<Effect.Effect<{ readonly limit: number }, InvalidRequest>>()
        expectTypeOf(asked).not.toHaveProperty("body")
        expectTypeOf(asked).not.toHaveProperty("path")
        return Effect.succeed(cached(Shelf, shelf(3)))
      },
      clear: others.clear
    })
  })

  it("needs the services that they need, and no others", () => {
    const Ready = group(Library, "shelves", {
      ...others,
      fill: () => Effect.flatMap(Health, ({ ready }) => Effect.as(ready, shelf(3)))
    })
    expectTypeOf(Ready).toEqualTypeOf<Layer.Layer<HttpApiGroup.ApiGroup<"library", "shelves">, never, Health>>()
  })

  it("takes no other value, error or answer", () => {
    // @ts-expect-error: a shelf has books.
    group(Library, "shelves", { ...others, fill: () => Effect.succeed({ name: "Travel" }) })
    // @ts-expect-error: what is encoded is not the value.
    group(Library, "shelves", { ...others, fill: () => Effect.succeed({ name: "Travel", books: "3" }) })
    // @ts-expect-error: a whole response is no value.
    group(Library, "shelves", { ...others, fill: () => Effect.succeed(HttpServerResponse.empty()) })
    // @ts-expect-error: what is asked about again is kept.
    group(Library, "shelves", { ...others, fill, view: () => Effect.succeed(shelf(3)) })
    // @ts-expect-error: what is kept is of another schema.
    group(Library, "shelves", { ...others, fill, view: () => Effect.succeed(cached(Schema.String, "Travel")) })
    // @ts-expect-error: an endpoint without a handler.
    group(Library, "shelves", others)
    group(Library, "shelves", { ...others, fill })
  })

  it("fails with what its endpoint declares, or the API does, and nothing else", () => {
    type Fill = ReturnType<Handlers<HttpApiGroup.HttpApiGroup.Endpoints<typeof Shelves>, Unavailable>["fill"]>
    type Failing<E> = Effect.Effect<typeof Shelf.Type, E>
    expectTypeOf<Failing<UnknownTemplateSlug | ReadError | Unavailable>>().toExtend<Fill>()
    expectTypeOf<Failing<AgentNotFound>>().not.toExtend<Fill>()
    expectTypeOf<Failing<Error>>().not.toExtend<Fill>()
  })
})
