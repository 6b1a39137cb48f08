import { DateTime, Schema } from "effect"
import { AgentId, exampleIds, OrganizationId } from "../Ids.ts"

/* What happened in organizations, as other programs read it. */

const agentEvent = <Type extends string>(type: Type) =>
  Schema.Struct({
    type: Schema.Literal(type),
    data: Schema.Struct({
      agentId: AgentId,
      templateAgentId: AgentId,
      revision: Schema.NullOr(Schema.Int).annotations({ description: "The revision that stands now." }),
      by: Schema.Literal("person", "publisher").annotations({
        description: "Who did it: a member of the organization, or the publisher by a roll-out."
      })
    })
  })

const identityEvent = <Type extends string>(type: Type) =>
  Schema.Struct({
    type: Schema.Literal(type),
    data: Schema.Struct({
      linkId: Schema.NullOr(Schema.String).annotations({
        description: "The link, as entity_identities.link_id names it; null where the identity had none."
      }),
      platform: Schema.String
    })
  })

/** What an event says: its type, and what that brings with it. No identifier and no text of a person's is in it. */
export const EventContent = Schema.Union(
  agentEvent("agent.installed"),
  agentEvent("agent.updated"),
  agentEvent("agent.uninstalled"),
  identityEvent("identity.verified"),
  identityEvent("identity.displaced"),
  identityEvent("identity.unlinked")
)
export type EventContent = typeof EventContent.Type

const written = {
  number: Schema.Int.annotations({ description: "Rises by one with every event." }),
  at: Schema.DateTimeUtc,
  organizationId: OrganizationId
}

/** An event as it was written. */
export const Event = Schema.extend(Schema.Struct(written), EventContent).annotations({
  identifier: "Event",
  description: "Something that happened in an organization."
})
export type Event = typeof Event.Type

const mostEvents = 1_000
const longestWait = 30

const numberText = (from: number, to: number, usual: number, description: string) =>
  Schema.optionalWith(
    Schema.NumberFromString.pipe(Schema.int(), Schema.between(from, to)).annotations({
      message: () => ({ message: `Expected a number from ${from} to ${to}`, override: true }),
      jsonSchema: { type: "integer", minimum: from, maximum: to, default: usual }
    }),
    { default: () => usual }
  ).annotations({ description })

/** The parameters of `GET /api/events`. */
export const EventsQuery = Schema.Struct({
  after: Schema.optionalWith(
    Schema.compose(Schema.NumberFromString, Schema.Int.pipe(Schema.nonNegative())).annotations({
      message: () => ({ message: "Expected the number of an event", override: true }),
      jsonSchema: {
        type: "integer",
        minimum: 0,
        description: "The number of the last event that is known. Absent: from the oldest that is kept on."
      }
    }),
    { exact: true }
  ),
  limit: numberText(1, mostEvents, 100, `How many events, 1 to ${mostEvents}; 100 if absent.`),
  wait: numberText(
    0,
    longestWait,
    0,
    `How many seconds to wait where there is none yet, 0 to ${longestWait}; 0 if absent.`
  )
})
export type EventsQuery = typeof EventsQuery.Type

/** What `GET /api/events` answers: in the order of their numbers; `last` is the `after` of the next request. */
export const EventPage = Schema.Struct({
  events: Schema.Array(Event),
  last: Schema.Int
}).annotations({
  identifier: "EventPage",
  description: "A page of events, in the order of their numbers.",
  examples: [
    {
      events: [
        {
          number: 1042,
          at: DateTime.unsafeMake("2026-11-23T06:30:00Z"),
          organizationId: exampleIds.organizationId,
          type: "agent.installed",
          data: {
            agentId: exampleIds.agentId,
            templateAgentId: exampleIds.templateAgentId,
            revision: 2,
            by: "person"
          }
        }
      ],
      last: 1042
    }
  ]
})
export type EventPage = typeof EventPage.Type

/** The channel that Postgres notifies of the newest number. */
export const eventChannel = "agent_install_events"

/** Which numbers there are: the first that is kept, and the last that was given. */
export interface NumbersKept {
  readonly first: number
  readonly last: number
}

/** Whether nothing is missing after that number: what follows it is kept, and it was given. */
export const isContinued = ({ first, last }: NumbersKept, after: number): boolean => after >= first - 1 && after <= last
