import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { ClaimRequest, LookupRequest, PhoneRequest, SenderAnswer } from "../../src/domain/identity/Identity.ts"
import { ResyncPlanQuery, ResyncRequest, UninstallQuery } from "../../src/domain/installation/Agent.ts"
import { HistoryQuery } from "../../src/domain/installation/History.ts"
import { InstallRequest, PlanRequest } from "../../src/domain/installation/Install.ts"
import { Verdict } from "../../src/domain/installation/Plan.ts"
import { RolloutRequest } from "../../src/domain/rollout/Rollout.ts"
import { placesOf } from "../../src/http/Issues.ts"

const issuesOf = (schema: Schema.Schema.AnyNoContext, value: unknown): ReadonlyArray<string> =>
  Either.match(Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })(value), {
    onLeft: ({ issue }) => placesOf(issue).map(({ message, path }) => `${path.join(".")}: ${message}`),
    onRight: () => []
  })

const bodies = { InstallRequest, PlanRequest, ResyncRequest, PhoneRequest, ClaimRequest, SenderAnswer, LookupRequest }
const queries = { HistoryQuery, ResyncPlanQuery, UninstallQuery }

const members = [
  ...["slug", "templateAgentId", "name", "expectedPlan", "adopt", "revert", "restore", "whatsapp_phone", "country"],
  ...["revision", "phone", "message", "platform", "platformUserId", "alternateIds", "yes", "identities", "template"],
  ...["limit", "before"]
]

const values = [
  ...[null, true, 0, 1.5, -1, 1e300, "", " ", "x", "x".repeat(100_000), "\u0000", "\ud800", [], {}, [null], [[]]],
  ...[
    ["x"],
    Array.from({ length: 600 }, () => "x"),
    [{}],
    [{ kind: 1, slug: {} }],
    [{ namespace: "x", identifier: 1 }]
  ],
  ...[[{ namespace: "email", identifier: "" }], { a: 1 }, "newest", "9".repeat(40)]
]

/** All that may be said of a place. */
const sentences = [
  /^is missing$/,
  /^unknown; did you mean \w+\?$/,
  /^unknown; known are \w+(, \w+)*$/,
  /^Expected (string|boolean|a list|an object|text or null|at (least|most) \d+ in the list)$/,
  /^Expected a (kind, as \w+(, \w+)*|number from 1 to 100|number between 1 and \d+, or "newest"|revision's number, or newest)$/,
  /^Expected (an integer, or "newest"|number, or "newest"|the next of a page)$/,
  /^Expected the planHash of a plan: 64 digits, 0 to 9 and a to f$/,
  /^must (have [01] to \d+ characters(, not only blanks)?|hold no NUL character and no lone surrogate)$/,
  /^must be one of \w+(, \w+)*$/,
  /^give slug or templateAgentId(, not both)?$/,
  /^this row is named before; name each row once$/
]

describe("what is wrong with a request", () => {
  it("is said in words of the contract, once for each place", () => {
    for (const [name, schema] of Object.entries({ ...bodies, ...queries })) {
      for (const member of members) {
        for (const value of name in queries ? values.filter((one) => typeof one === "string") : values) {
          const issues = issuesOf(schema as Schema.Schema.AnyNoContext, { [member]: value })
          assert.strictEqual(
            new Set(issues.map((issue) => issue.split(": ")[0])).size,
            issues.length,
            issues.join("; ")
          )
          for (const issue of issues) {
            const message = issue.replace(/^[\w.]+: /, "")
            assert.isTrue(
              sentences.some((sentence) => sentence.test(message)),
              `${name}.${member} ${JSON.stringify(value)?.slice(0, 60)}: ${message}`
            )
          }
        }
      }
    }
  })

  it("is said of all, with what was probably meant", () => {
    const said: ReadonlyArray<readonly [schema: Schema.Schema.AnyNoContext, value: unknown, ...issues: Array<string>]> =
      [
        [InstallRequest, { slug: "a", expected_plan: "x" }, "expected_plan: unknown; did you mean expectedPlan?"],
        [InstallRequest, { slugg: "a", name: 7 }, "slugg: unknown; did you mean slug?", "name: Expected string"],
        [
          InstallRequest,
          { slug: "a", adopt: [{ kind: "watchers", slugg: "b" }] },
          "adopt.0.slugg: unknown; did you mean slug?",
          "adopt.0.slug: is missing"
        ],
        [PlanRequest, {}, "slug: give slug or templateAgentId"],
        [
          PlanRequest,
          { slug: "a", templateAgentId: "agent_1" },
          "templateAgentId: give slug or templateAgentId, not both"
        ],
        [InstallRequest, { slug: "a", whatsapp_phone: 7 }, "whatsapp_phone: Expected text or null"],
        [
          InstallRequest,
          { slug: "a", expectedPlan: "x" },
          "expectedPlan: Expected the planHash of a plan: 64 digits, 0 to 9 and a to f"
        ],
        [PlanRequest, JSON.parse('{"slug":"a","__proto__":1}'), "__proto__: unknown; known are slug, templateAgentId"],
        [ResyncRequest, { revision: "latest" }, 'revision: Expected number, or "newest"'],
        [ResyncRequest, { revision: 0 }, 'revision: Expected a number between 1 and 2147483647, or "newest"'],
        [
          LookupRequest,
          { identities: [{ namespace: "fax", identifier: "1", namspace: "x" }] },
          "identities.0.namspace: unknown; did you mean namespace?",
          "identities.0.namespace: must be one of phone, wa_lid, wa_bsuid, wa_jid"
        ],
        [LookupRequest, { identities: [] }, "identities: Expected at least 1 in the list"],
        [
          HistoryQuery,
          { limit: "0", befor: "1" },
          "befor: unknown; did you mean before?",
          "limit: Expected a number from 1 to 100"
        ],
        [HistoryQuery, { rows: "some" }, "rows: Expected changed or whole"],
        [
          ResyncPlanQuery,
          { revision: "oldest", kind: "Tables", verdict: "good" },
          "revision: Expected a revision's number, or newest",
          "kind: Expected kinds, with commas between",
          `verdict: Expected ${Verdict.literals.join(", ")}; commas between several`
        ],
        [
          RolloutRequest,
          { revision: 1, waves: [0, "1", 100], stopAbove: "0.1" },
          "waves.0: Expected a percentage from 1 to 100",
          "waves.1: Expected a percentage from 1 to 100",
          "stopAbove: Expected a share from 0 to 1"
        ],
        [
          RolloutRequest,
          { revision: 1, waves: [1] },
          "waves: name up to 20 percentages, each higher than the one before, the last one 100"
        ],
        [UninstallQuery, { "expected-plan": "x" }, "expected-plan: unknown; did you mean expectedPlan?"]
      ]
    for (const [schema, value, ...issues] of said) assert.deepStrictEqual(issuesOf(schema, value), issues)
  })
})
