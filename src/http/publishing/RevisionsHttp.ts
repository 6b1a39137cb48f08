import { Effect } from "effect"
import { orderOfTemplates } from "../../domain/publishing/Revision.ts"
import {
  deprecateTemplate,
  markRevisionBroken,
  restoreRevision,
  restoreTemplate,
  withdrawTemplate
} from "../../services/publishing/ManageTemplate.ts"
import {
  listOwnTemplates,
  listRevisions,
  publishRevision,
  readRevision
} from "../../services/publishing/PublishRevision.ts"
import { Api } from "../Api.ts"
import { invalidRequest } from "../Body.ts"
import { group } from "../Handlers.ts"
import { paged } from "../Paged.ts"

/** A revision of a path: its number, or null for the newest. */
const numberOf = (revision: string) =>
  revision === "newest"
    ? Effect.succeed(null)
    : /^[1-9]\d{0,8}$/.test(revision)
      ? Effect.succeed(Number(revision))
      : invalidRequest([{ path: ["revision"], message: "must be the number of a revision, or newest" }])

const ofRevision = ({
  revision,
  ...path
}: {
  readonly revision: string
  readonly slug: string
  readonly template: string
}) => ({
  ...path,
  revision: /^[1-9]\d{0,8}$/.test(revision)
    ? Effect.succeed(Number(revision))
    : invalidRequest([{ path: ["revision"], message: "must be the number of a revision" }])
})

export const RevisionsHttp = group(Api, "revisions", {
  templates: ({ credential, path, query }) =>
    Effect.map(
      paged(orderOfTemplates)(listOwnTemplates({ credential, slug: path.slug }), query),
      ({ items, next }) => ({ templates: items, next })
    ),
  list: ({ credential, path, query }) => listRevisions({ credential, ...path, query }),
  read: ({ credential, path: { revision, ...path } }) =>
    Effect.flatMap(numberOf(revision), (number) => readRevision({ credential, ...path }, number)),
  publish: ({ body, credential, path, query }) => publishRevision({ credential, ...path, body, query }),
  deprecate: ({ body, credential, path }) => deprecateTemplate({ credential, ...path, body }),
  restore: ({ credential, path }) => restoreTemplate({ credential, ...path }),
  withdraw: ({ credential, path }) => withdrawTemplate({ credential, ...path }),
  markBroken: ({ body, credential, path }) => markRevisionBroken({ credential, ...ofRevision(path), body }),
  restoreRevision: ({ credential, path }) => restoreRevision({ credential, ...ofRevision(path) })
})
