import { DateTime, Schema } from "effect"
import { Deprecation } from "../catalog/Deprecation.ts"
import { PublishedChange, TemplateDocuments } from "../catalog/Template.ts"
import { templateLimits } from "../catalog/TemplateLimits.ts"
import { AgentId, exampleIds, Slug } from "../Ids.ts"
import { Impact } from "../installation/Impact.ts"
import { listQuery, next, type PageKey } from "../Page.ts"

/** How large the body of a publication may be, and how deep the lists and mappings in it: a definition's, and what holds it. */
export const publicationLimits = { bytes: templateLimits.templateBytes, depth: templateLimits.depth + 4 } as const

/** The body of `POST /api/publishers/:slug/templates/:template/revisions`. */
export const RevisionRequest = Schema.Struct({
  ...TemplateDocuments.fields,
  withdraw: Schema.optionalWith(
    Schema.Boolean.annotations({
      description: "Publish also what withdraws rows that installations have, or more than half of the rows."
    }),
    { exact: true }
  )
}).annotations({
  identifier: "RevisionRequest",
  description: "What the files of a template say.",
  examples: [
    {
      template: {
        version: 1,
        slug: "personal-finance",
        name: "Personal finance",
        publisher: "acme",
        notes: "Invoices"
      },
      definitions: [{ version: 1, type: "entity", slug: "invoice", name: "Invoice" }]
    }
  ]
})
export type RevisionRequest = typeof RevisionRequest.Type

/** Whether a publication is only tried. */
export const RevisionQuery = Schema.Struct({
  dryRun: Schema.optionalWith(
    Schema.BooleanFromString.annotations({ jsonSchema: { type: "boolean", default: false } }),
    { exact: true, default: () => false }
  ).annotations({
    description: "Change nothing, and answer with what publishing would change and do."
  })
})
export type RevisionQuery = typeof RevisionQuery.Type

const example = { templateAgentId: exampleIds.templateAgentId, revision: 3 }

/** What a publisher sees of the impact: numbers, never whose. */
const ImpactNumbers = Schema.Struct({
  installations: Impact.fields.installations,
  affected: Impact.fields.affected,
  pinned: Impact.fields.pinned,
  total: Impact.fields.total
})

/** What a publication did, or, for a dry run, would do. */
export const RevisionAnswer = Schema.Struct({
  slug: Slug,
  templateAgentId: AgentId,
  revision: Schema.Int,
  changed: Schema.Boolean.annotations({ description: "Whether that revision is new: the same content makes none." }),
  since: Schema.Int.annotations({ description: "The revision before it; 0 where there was none." }),
  changes: Schema.Array(PublishedChange),
  impact: ImpactNumbers.annotations({ description: "What the revision does to those who have the template installed." })
}).annotations({
  identifier: "RevisionAnswer",
  description: "What a publication did, or would do.",
  examples: [
    {
      ...example,
      slug: Slug.make("personal-finance"),
      changed: true,
      since: 2,
      changes: [{ kind: "entity_types", slug: "invoice", change: "changed", was: null, fields: ["description"] }],
      impact: {
        installations: 120,
        affected: 118,
        pinned: 2,
        total: { creates: 0, updates: 113, customized: 5, collisions: 0, removals: 0, retirements: 0 }
      }
    }
  ]
})
export type RevisionAnswer = typeof RevisionAnswer.Type

/** A template of a publisher. */
export const OwnTemplate = Schema.Struct({
  slug: Slug,
  name: Schema.String,
  description: Schema.String,
  templateAgentId: AgentId,
  revision: Schema.Int.annotations({ description: "The newest." }),
  offered: Schema.NullOr(Schema.Int).annotations({ description: "The newest that is not marked as broken." }),
  deprecated: Schema.NullOr(Deprecation),
  definitions: Schema.Int,
  installs: Schema.Int
}).annotations({
  identifier: "OwnTemplate",
  description: "A template of a publisher.",
  examples: [
    {
      slug: Slug.make("personal-finance"),
      name: "Personal finance",
      description: "Keeps track of money and tax",
      templateAgentId: exampleIds.templateAgentId,
      revision: 3,
      offered: 3,
      deprecated: null,
      definitions: 89,
      installs: 120
    }
  ]
})
export type OwnTemplate = typeof OwnTemplate.Type

/** What `GET /api/publishers/:slug/templates` answers: by slug. */
export const OwnTemplateList = Schema.Struct({ templates: Schema.Array(OwnTemplate), next }).annotations({
  identifier: "OwnTemplateList",
  description: "A page of the templates of a publisher, by slug.",
  examples: [
    {
      templates: [
        {
          ...example,
          slug: Slug.make("personal-finance"),
          name: "Personal finance",
          description: "Keeps track of money and tax",
          offered: 3,
          deprecated: null,
          definitions: 89,
          installs: 120
        }
      ],
      next: null
    }
  ]
})

/** The parameters of that list. */
export const OwnTemplatesQuery = Schema.Struct(listQuery("templates"))

/** What the list is in the order of. */
export const orderOfTemplates = ({ slug }: OwnTemplate): PageKey => [slug]

/** A revision of a template: when it was published, what its publisher says is new, and what changed since the one before. */
export const Revision = Schema.Struct({
  revision: Schema.Int,
  publishedAt: Schema.DateTimeUtc,
  notes: Schema.String,
  broken: Schema.NullOr(Schema.String).annotations({
    description: "Why nobody is brought to it any more; null where it is not marked as broken."
  }),
  changes: Schema.Array(PublishedChange)
})
export type Revision = typeof Revision.Type

/** How many revisions are listed at once, the newest first. */
export const revisionsOfPage = 20

/** Which revisions are wanted: those before one. */
export const RevisionsQuery = Schema.Struct({
  before: Schema.optionalWith(
    Schema.NumberFromString.pipe(Schema.int(), Schema.positive()).annotations({
      jsonSchema: {
        type: "integer",
        minimum: 1,
        description: "The next of the page before: revisions older than that."
      }
    }),
    { exact: true }
  )
})
export type RevisionsQuery = typeof RevisionsQuery.Type

/** What `GET …/templates/:template/revisions` answers: the newest first; `next` is the `before` of the page that follows. */
export const RevisionList = Schema.Struct({
  revisions: Schema.Array(Revision),
  next: Schema.NullOr(Schema.Int)
}).annotations({
  identifier: "RevisionList",
  description: "A page of the revisions of a template, the newest first.",
  examples: [
    {
      revisions: [
        {
          revision: 3,
          publishedAt: DateTime.unsafeMake("2026-11-23T06:29:58Z"),
          notes: "Invoices say when they are due.",
          broken: null,
          changes: [
            { kind: "entity_types", slug: "invoice", change: "changed", was: null, fields: ["metadata_schema"] }
          ]
        }
      ],
      next: 3
    }
  ]
})
export type RevisionList = typeof RevisionList.Type

/** What `GET …/templates/:template/revisions/:revision` answers: what its files say. */
export const RevisionDocuments = Schema.Struct({ revision: Schema.Int, ...TemplateDocuments.fields }).annotations({
  identifier: "RevisionDocuments",
  description: "A revision as what its files say.",
  examples: [
    {
      revision: 3,
      template: { version: 1, slug: "personal-finance", name: "Personal finance", publisher: "acme" },
      definitions: [{ version: 1, type: "entity", slug: "invoice", name: "Invoice" }]
    }
  ]
})
export type RevisionDocuments = typeof RevisionDocuments.Type
