import {
  type Applied,
  NotOrgAdmin,
  SchemaCollision,
  TemplateMirror,
  TemplateNotFound
} from "agent-install/installation"
import { type StoredRow, templateMirrorLaws } from "agent-install/testing"
import { Clock, Effect, Layer } from "effect"
import { Hands, mirrorHands, worlds } from "../worlds.ts"
import { caught } from "./caught.ts"

type Mirror = typeof TemplateMirror.Service
type HandsOf = typeof Hands.Service
type ApplyRequest = Parameters<Mirror["apply"]>[0]

const world = Layer.suspend(() => {
  const [memory] = worlds
  return memory === undefined ? Layer.die("there is no world") : memory[1]
})

/** The mirror in memory, with another in place of what it does in one way or other. */
const broken = (change: (right: Mirror, hands: HandsOf) => Partial<Mirror>) =>
  Layer.provideMerge(
    Layer.effect(
      TemplateMirror,
      Effect.zipWith(TemplateMirror, Hands, (right, hands) => ({ ...right, ...change(right, hands) }))
    ),
    world
  )

/** Does something more to the rows once an install or a resync is done; it is given those that were there before. */
const doingMore = (
  more: (after: {
    readonly request: ApplyRequest
    readonly applied: Applied
    readonly before: ReadonlyArray<StoredRow>
    readonly rows: ReadonlyArray<StoredRow>
    readonly hands: HandsOf
    /** The row of the organization, as the hands take it. */
    readonly at: (row: Pick<StoredRow, "kind" | "slug">) => Parameters<HandsOf["rename"]>[0]
  }) => Effect.Effect<unknown>
) =>
  broken(({ apply }, hands) => ({
    apply: (request) =>
      Effect.gen(function* () {
        const { organizationId } = request
        const before = yield* hands.rows(organizationId)
        const applied = yield* apply(request)
        const rows = yield* hands.rows(organizationId)
        const at = ({ kind, slug }: Pick<StoredRow, "kind" | "slug">) => ({ organizationId, kind, slug })
        yield* more({ request, applied, before, rows, hands, at })
        return applied
      })
  }))

/** Removes those of the rows that are chosen, once an install is done. */
const removing = (choose: (row: StoredRow, applied: Applied, request: ApplyRequest) => boolean) =>
  doingMore(({ applied, at, hands, request, rows }) =>
    Effect.forEach(
      rows.filter((row) => choose(row, applied, request)),
      (row) => hands.remove(at(row))
    )
  )

/** Asks for something else than the caller did. */
const asking = (change: (request: ApplyRequest) => ApplyRequest) =>
  broken(({ apply }) => ({ apply: (request) => apply(change(request)) }))

/** Names all rows in a wish that have its verdict, where the caller named some. */
const wishingAll = (
  wish: "adopt" | "restore" | "revert",
  verdict: string,
  isWished: (request: ApplyRequest) => boolean
) =>
  broken(({ apply, plan, resync }) => {
    const wishing = <Request extends ApplyRequest>(request: Request) =>
      Effect.map(
        Effect.orElseSucceed(plan(request), () => ({ rows: [] })),
        ({ rows }) =>
          isWished(request) ? { ...request, [wish]: rows.filter((row) => row.verdict === verdict) } : request
      )
    return {
      apply: (request) => Effect.flatMap(wishing(request), apply),
      resync: (request) => Effect.flatMap(wishing(request), resync)
    }
  })

/** Has all times computed from the year 1970. */
const stoppedClock: Clock.Clock = Object.assign(Clock.make(), {
  currentTimeMillis: Effect.succeed(0),
  unsafeCurrentTimeMillis: () => 0
})
const withoutTime = broken(({ apply }) => ({
  apply: (request) => Effect.withClock(apply(request), stoppedClock)
}))

/** Takes all away that is hidden, whatever refers to it. */
const removingHidden = removing(({ retired }) => retired)

/** Takes the rows of a template away that it has none of any more, whoever else has them. */
const removingAllWithdrawn = removing((_, { mirrored }) => Object.values(mirrored).every((rows) => rows === 0))

/** Gives rows the names back that they had before, where something else is so. */
const keepingNames = (
  isKept: (
    row: StoredRow,
    after: { readonly request: ApplyRequest; readonly rows: ReadonlyArray<StoredRow> }
  ) => boolean
) =>
  doingMore(({ at, before, hands, request, rows }) =>
    Effect.forEach(
      rows.filter((row) => isKept(row, { request, rows })),
      (row) =>
        Effect.forEach(
          before.filter(({ kind, slug }) => kind === row.kind && slug === row.slug),
          ({ name }) => hands.rename(at(row), name)
        )
    )
  )

caught("TemplateMirror", templateMirrorLaws(mirrorHands), {
  "lands the agent and every row, bound to each other, watchers due": removing(
    ({ kind }) => kind === "event_classifiers"
  ),
  "installs an empty template, and one of many rows": removing(({ slug }) => slug.startsWith("type-2")),
  "installs what the revision lists, not what else the publisher has": doingMore(({ at, hands, rows }) =>
    // As the publisher has it by now.
    Effect.forEach(rows, (row) => hands.rename(at(row), "Draft"))
  ),
  "is the same agent the second time, and changes nothing": broken(({ apply }) => ({
    apply: (request) => Effect.map(apply(request), (applied) => ({ ...applied, created: true }))
  })),
  "is one agent however many install at once": broken(({ apply }, hands) => ({
    // Looks first: many look before anybody has installed.
    apply: (request) =>
      Effect.gen(function* () {
        const before = yield* hands.agents(request.organizationId)
        yield* Effect.yieldNow()
        return { ...(yield* apply(request)), created: before.length === 0 }
      })
  })),
  "keeps a name the person gave, and otherwise follows the template's": asking(({ name: _, ...request }) => request),
  "names every slug that is taken, and writes nothing": broken(({ apply }) => ({
    apply: (request) =>
      Effect.catchTag(
        apply(request),
        "SchemaCollision",
        ({ collisions }) => new SchemaCollision({ collisions: collisions.slice(0, 1) })
      )
  })),
  "does not take a deleted row or another kind's slug for a collision": broken(({ apply, plan }, hands) => ({
    apply: (request) =>
      Effect.gen(function* () {
        const { rows } = yield* plan(request)
        const taken = (yield* hands.rows(request.organizationId)).map(({ slug }) => slug)
        const inTheWay = rows.filter(({ slug, verdict }) => verdict === "create" && taken.includes(slug))
        if (inTheWay.length === 0) return yield* apply(request)
        return yield* new SchemaCollision({
          collisions: inTheWay.map(({ kind, slug }) => ({ kind, slug, owner: "", own: true, adoptable: false }))
        })
      })
  })),
  "says of each row what an install would do, and in which fields, and changes nothing": broken(({ plan }) => ({
    plan: (request) =>
      Effect.map(plan(request), (planned) => ({
        ...planned,
        rows: planned.rows.map((row) => ({ ...row, fields: [] }))
      }))
  })),
  "holds an install to its plan, or refuses with nothing written": asking(({ expectedPlan: _, ...request }) => request),
  "refuses, in order: not found, installed, not an administrator; a plan as an install": broken(({ plan }) => ({
    plan: (request) =>
      Effect.catchTag(plan(request), "TemplateNotFound", () =>
        Effect.fail(new NotOrgAdmin({ organizationId: request.organizationId }))
      )
  })),
  "says to a member, and only to a member, that a template is not public; and to its own organization that it is its own":
    broken(({ apply }) => ({
      apply: (request) => Effect.catchTag(apply(request), "TemplateNotPublic", (error) => new TemplateNotFound(error))
    })),
  "brings an installed template up to the newest revision": broken(({ apply }, hands) => {
    // Installs once, and never looks again.
    const done = new Map<string, Applied>()
    return {
      apply: (request) => {
        const earlier = done.get(request.organizationId)
        return earlier === undefined
          ? Effect.tap(apply(request), (applied) => done.set(request.organizationId, applied))
          : Effect.as(hands.rows(request.organizationId), { ...earlier, created: false })
      }
    }
  }),
  "carries all that the publisher says, when it is new and when it changes": doingMore(({ applied, at, hands, rows }) =>
    Effect.forEach(applied.created ? [] : rows.filter(({ slug }) => slug === "invoice"), (row) =>
      hands.edit(at(row), "metadata_schema", "{}")
    )
  ),
  "lets a watcher run by its new schedule once that changed, and leaves its time alone otherwise": withoutTime,
  "keeps what the person changed, and what they deleted stays deleted": wishingAll("revert", "customized", () => true),
  "does not take what it could not write for a change of the person's": keepingNames(
    ({ kind }, { rows }) => kind === "event_classifiers" && rows.every((row) => row.kind !== "watchers")
  ),
  "follows a definition that is renamed": doingMore(({ applied, at, hands }) =>
    applied.created ? Effect.void : hands.author(at({ kind: "entity_types", slug: "bill" }))
  ),
  "lets renamed definitions take each other's slugs, in swaps, cycles and chains": keepingNames(
    // Moves the rows, and has each say what the one before it said.
    ({ slug }) => slug === "a" || slug === "b"
  ),
  "leaves a row the person changed at its slug, and refuses where another is to take that": broken(
    ({ apply, plan }) => ({
      apply: (request) =>
        Effect.catchTag(apply(request), "SchemaCollision", () =>
          Effect.flatMap(plan(request), ({ rows }) =>
            apply({ ...request, revert: rows.filter(({ verdict }) => verdict === "customized") })
          )
        )
    })
  ),
  "retires what the publisher withdrew: gone, or hidden where it is used or changed; and brings it back":
    removingHidden,
  "keeps a withdrawn watcher that a classifier of the person's own listens to": removingHidden,
  "keeps a withdrawn watcher with the withdrawn classifier of it that stays": removingHidden,
  "goes back to an earlier revision, stays there, and follows again when asked to": broken(
    ({ apply, resync }, hands) => ({
      // Brings what is installed to the newest revision, pinned or not.
      apply: (request) =>
        Effect.flatMap(hands.agents(request.organizationId), ([agent]) =>
          agent === undefined
            ? apply(request)
            : Effect.catchTag(
                resync({ ...request, agentId: agent.id, revision: "newest" }),
                "AgentNotFound",
                "NoSuchRevision",
                Effect.die
              )
        )
    })
  ),
  "shares a definition that two templates of one publisher name": broken(({ apply }, hands) => ({
    // Counts the rows that it has made itself.
    apply: (request) =>
      Effect.gen(function* () {
        const applied = yield* apply(request)
        const own = (yield* hands.rows(request.organizationId)).filter(
          ({ kind, managedBy }) => kind === "entity_types" && managedBy === request.templateAgentId
        )
        return { ...applied, mirrored: { ...applied.mirrored, entity_types: own.length } }
      })
  })),
  "follows a definition that moves from one template of a publisher to another": removingAllWithdrawn,
  "hands a withdrawn definition to the sibling template that still has it": removingAllWithdrawn,
  "does not take an update through one template for a change the person made, through the other": keepingNames(
    ({ managedBy }, { request }) => managedBy !== request.templateAgentId
  ),
  "passes shared rows on to the other agent of the publisher, and takes them away with the last": broken(
    ({ uninstall }, hands) => ({
      uninstall: (request) =>
        Effect.tap(uninstall(request), ({ organizationId, passedOn }) =>
          Effect.forEach(passedOn, ({ kind, slug }) => hands.remove({ organizationId, kind, slug }))
        )
    })
  ),
  "does not take a row for deleted that a sibling's uninstall took away": broken(({ apply, uninstall }, hands) => {
    const gone = new Set<string>()
    return {
      uninstall: (request) =>
        Effect.tap(uninstall(request), ({ removed }) => {
          for (const { slug } of removed) gone.add(slug)
        }),
      apply: (request) =>
        Effect.tap(apply(request), () =>
          Effect.forEach([...gone], (slug) =>
            hands.remove({ organizationId: request.organizationId, kind: "entity_types", slug })
          )
        )
    }
  }),
  "comes out right when templates that share are installed, again and again, while they are published": broken(
    ({ apply }, hands) => {
      let busy = 0
      // Where others are at it, takes a row away that they had just written.
      return {
        apply: (request) =>
          Effect.acquireUseRelease(
            Effect.sync(() => ++busy),
            (at) =>
              Effect.gen(function* () {
                yield* Effect.yieldNow()
                const applied = yield* apply(request)
                if (at === 2) {
                  const { organizationId } = request
                  yield* hands.remove({ organizationId, kind: "entity_types", slug: "shared-0" })
                }
                return applied
              }),
            () => Effect.sync(() => --busy)
          )
      }
    }
  ),
  "adopts the rows that are named, and no others, once": wishingAll(
    "adopt",
    "collision",
    ({ adopt }) => adopt !== undefined
  ),
  "adopts a watcher with its agent, its schedule and its content": doingMore(({ at, hands, request }) =>
    Effect.forEach(request.adopt ?? [], (row) => hands.edit(at(row), "prompt", "null"))
  ),
  "reverts the rows that are named, once": wishingAll("revert", "customized", ({ revert }) => revert !== undefined),
  "reverts rows whose slugs the person swapped": broken(({ apply }) => ({
    // Reverts one after the other.
    apply: (request) =>
      Effect.zipRight(
        Effect.forEach(request.revert ?? [], (row) => apply({ ...request, revert: [row] })),
        apply({ ...request, revert: [] })
      )
  })),
  "restores the rows that are named, whether they were marked as deleted or erased": wishingAll(
    "restore",
    "deleted_by_owner",
    ({ restore }) => restore !== undefined
  ),
  "brings a restored watcher back for its next time, not for those it missed": withoutTime,
  "says which names there is nothing to do for, and writes nothing": broken(({ apply }) => ({
    apply: (request) =>
      Effect.catchTag(apply(request), "NoSuchRow", () => apply({ ...request, adopt: [], revert: [], restore: [] }))
  })),
  "lets a person put a row of their own in the place of one they deleted, which then collides only if restored":
    wishingAll("restore", "deleted_by_owner", () => true),
  "takes itself away, but for what is changed, adopted or in use, and finds that again": broken(
    ({ uninstall }, hands) => ({
      uninstall: (request) =>
        Effect.tap(uninstall(request), ({ kept, organizationId }) =>
          Effect.forEach(
            kept.filter(({ because }) => because === "in_use"),
            ({ kind, slug }) => hands.remove({ organizationId, kind, slug })
          )
        )
    })
  ),
  "gives back what was the person's own before and was withdrawn, and shows all that it leaves": broken(
    ({ uninstall }, hands) => ({
      // Gives back all that was adopted, and not only what the publisher withdrew.
      uninstall: (request) =>
        Effect.tap(uninstall(request), ({ kept, organizationId }) =>
          Effect.forEach(
            kept.filter(({ because }) => because === "adopted"),
            ({ kind, slug }) =>
              Effect.zipRight(
                hands.remove({ organizationId, kind, slug }),
                hands.author({ organizationId, kind, slug })
              )
          )
        )
    })
  ),
  "gives what an uninstall kept to the agent that is installed next": doingMore(({ at, before, hands }) =>
    Effect.forEach(
      before.filter(({ agentId, kind }) => kind === "watchers" && agentId === null),
      (row) => Effect.zipRight(hands.remove(at(row)), hands.author(at(row)))
    )
  ),
  "leaves the agent to the person where something of another program refers to it": broken(({ uninstall }) => ({
    uninstall: (request) => Effect.map(uninstall(request), (done) => ({ ...done, agentRemoved: true }))
  })),
  "holds an uninstall to its plan": broken(({ uninstall }) => ({
    uninstall: ({ expectedPlan: _, ...request }) => uninstall(request)
  })),
  "lets only administrators change or take away what is installed": broken(({ planUninstall }) => ({
    planUninstall: (request) =>
      Effect.catchTag(planUninstall(request), "NotOrgAdmin", () =>
        Effect.succeed({ ...request, removed: [], kept: [], passedOn: [], planHash: "" })
      )
  }))
})
