import { Schema } from "effect"
import { exampleIds, OrganizationId, Slug } from "../Ids.ts"

/** What is known about an organization that a person belongs to, or that was made for them. */
export interface OrganizationFacts {
  readonly organizationId: OrganizationId
  readonly organizationSlug: Slug
  readonly name: string
  /** Whether it is this person's personal organization, and private. */
  readonly personal: boolean
  /** The person's role; null if they left. */
  readonly role: "owner" | "admin" | "member" | null
  readonly otherOwners: number
  readonly otherMembers: number
  readonly agents: number
  readonly definitions: number
  readonly entities: number
  readonly identities: number
  /** How many organizations that the person does not belong to have installed its templates. */
  readonly installedElsewhere: number
  /** Whether any of those keeps rows of its templates, installed or not. */
  readonly keptElsewhere: boolean
  /** The person's organizations that have installed its templates. */
  readonly installedIn: ReadonlyArray<OrganizationId>
}

const named = {
  organizationId: OrganizationId,
  organizationSlug: Slug,
  name: Schema.String
}

/** An organization that is deleted with the account. */
export const DeletedOrganization = Schema.Struct({
  ...named,
  personal: Schema.Boolean.annotations({ description: "Whether it is the one that was made at sign-up." }),
  agents: Schema.NonNegativeInt,
  definitions: Schema.NonNegativeInt,
  entities: Schema.NonNegativeInt,
  identities: Schema.NonNegativeInt,
  otherMembers: Schema.NonNegativeInt.annotations({ description: "How many other people lose it." })
})
export type DeletedOrganization = typeof DeletedOrganization.Type

/** An organization that the person leaves. */
export const LeftOrganization = Schema.Struct(named)
export type LeftOrganization = typeof LeftOrganization.Type

/**
 * An organization that would be deleted although others depend on it: the reason why the account can't be deleted yet.
 */
export const DeletionObstacle = Schema.Struct({
  ...named,
  otherMembers: Schema.NonNegativeInt.annotations({
    description: "How many other members it has; none of them is its owner."
  }),
  installations: Schema.NonNegativeInt.annotations({
    description: "How many other organizations have installed its templates."
  }),
  kept: Schema.Boolean.annotations({
    description: "Whether others, or another program, keep rows that refer to its rows, installed or not."
  })
})
export type DeletionObstacle = typeof DeletionObstacle.Type

/** What deleting an account does: what is deleted, what stays, and what prevents it. */
export const DeletionPlan = Schema.Struct({
  email: Schema.String,
  sessions: Schema.NonNegativeInt,
  organizations: Schema.Array(DeletedOrganization),
  leaves: Schema.Array(LeftOrganization).annotations({
    description: "Organizations that stay, with what others see of the person there without a name."
  }),
  obstacles: Schema.Array(DeletionObstacle).annotations({
    description: "Organizations that others depend on. While there is one, the account can't be deleted."
  })
}).annotations({
  identifier: "DeletionPlan",
  examples: [
    {
      email: "ada@example.org",
      sessions: 2,
      organizations: [
        {
          organizationId: exampleIds.organizationId,
          organizationSlug: Slug.make("ada-lovelace"),
          name: "Ada Lovelace",
          personal: true,
          agents: 1,
          definitions: 89,
          entities: 12,
          identities: 3,
          otherMembers: 0
        }
      ],
      leaves: [],
      obstacles: []
    }
  ]
})
export type DeletionPlan = typeof DeletionPlan.Type

/**
 * What is deleted with an account: the personal organization, and each organization that nobody else owns. If others
 * belong to one of these, or use its templates, that prevents the deletion. Other members of the personal organization
 * are only reported, and prevent nothing.
 */
export const decideDeletion = (
  facts: ReadonlyArray<OrganizationFacts>
): Pick<DeletionPlan, "organizations" | "leaves" | "obstacles"> => {
  const going = facts.filter(({ otherOwners, personal, role }) => otherOwners === 0 && (personal || role === "owner"))
  const goes = new Set(going.map(({ organizationId }) => organizationId))
  return {
    organizations: going.map(
      ({ installedElsewhere: _, installedIn: __, keptElsewhere: ___, otherOwners: ____, role: _____, ...one }) => one
    ),
    leaves: facts
      .filter(({ organizationId, role }) => !goes.has(organizationId) && role !== null)
      .map(({ name, organizationId, organizationSlug }) => ({ organizationId, organizationSlug, name })),
    obstacles: going
      .map(
        ({ installedElsewhere, installedIn, keptElsewhere, name, organizationId, organizationSlug, ...one }) =>
          ({
            organizationId,
            organizationSlug,
            name,
            otherMembers: one.personal ? 0 : one.otherMembers,
            installations: installedElsewhere + installedIn.filter((id) => !goes.has(id)).length,
            kept: keptElsewhere
          }) satisfies DeletionObstacle
      )
      .filter(({ installations, kept, otherMembers }) => installations > 0 || kept || otherMembers > 0)
  }
}

/** The obstacles for organizations whose rows something outside this service refers to, as rows of another program. */
export const referredTo = (organizations: ReadonlyArray<DeletedOrganization>): ReadonlyArray<DeletionObstacle> =>
  organizations.map(({ name, organizationId, organizationSlug }) => ({
    organizationId,
    organizationSlug,
    name,
    otherMembers: 0,
    installations: 0,
    kept: true
  }))
