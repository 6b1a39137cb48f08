import { Effect } from "effect"
import { orderOfKeys } from "../../domain/account/ApiKey.ts"
import { orderOfInvitations, orderOfMembers, orderOfPublishers } from "../../domain/publishing/Publisher.ts"
import {
  createKey,
  deleteKey,
  inviteMember,
  joinPublisher,
  listKeys,
  listMembers,
  listPublishers,
  removeMember,
  setRole,
  withdrawInvitation
} from "../../services/publishing/ManagePublisher.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"
import { paged } from "../Paged.ts"

export const PublishersHttp = group(Api, "publishers", {
  list: ({ credential, query }) =>
    Effect.map(paged(orderOfPublishers)(listPublishers(credential), query), ({ items, next }) => ({
      publishers: items,
      next
    })),
  members: ({ credential, path, query }) =>
    Effect.map(
      paged(orderOfMembers)(
        Effect.map(listMembers({ credential, slug: path.slug }), ({ members }) => members),
        query
      ),
      ({ items, next }) => ({ members: items, next })
    ),
  invitations: ({ credential, path, query }) =>
    Effect.map(
      paged(orderOfInvitations)(
        Effect.map(listMembers({ credential, slug: path.slug }), ({ invitations }) => invitations),
        query
      ),
      ({ items, next }) => ({ invitations: items, next })
    ),
  invite: ({ body, credential, path }) => inviteMember({ credential, slug: path.slug, body }),
  withdrawInvitation: ({ credential, path }) => withdrawInvitation({ credential, slug: path.slug }, path.id),
  join: ({ body, credential }) => joinPublisher({ credential, body }),
  setRole: ({ body, credential, path }) => setRole({ credential, slug: path.slug, body }, path.userId),
  removeMember: ({ credential, path }) => removeMember({ credential, slug: path.slug }, path.userId),
  keys: ({ credential, path, query }) =>
    Effect.map(paged(orderOfKeys)(listKeys({ credential, slug: path.slug }), query), ({ items, next }) => ({
      keys: items,
      next
    })),
  createKey: ({ body, credential, path }) => createKey({ credential, slug: path.slug, body }),
  deleteKey: ({ credential, path }) => deleteKey({ credential, slug: path.slug }, path.id)
})
