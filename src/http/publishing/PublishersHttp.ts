import { Effect } from "effect"
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

export const PublishersHttp = group(Api, "publishers", {
  list: ({ credential }) => Effect.map(listPublishers(credential), (publishers) => ({ publishers })),
  members: ({ credential, path }) => listMembers({ credential, slug: path.slug }),
  invite: ({ body, credential, path }) => inviteMember({ credential, slug: path.slug, body }),
  withdrawInvitation: ({ credential, path }) => withdrawInvitation({ credential, slug: path.slug }, path.id),
  join: ({ body, credential }) => joinPublisher({ credential, body }),
  setRole: ({ body, credential, path }) => setRole({ credential, slug: path.slug, body }, path.userId),
  removeMember: ({ credential, path }) => removeMember({ credential, slug: path.slug }, path.userId),
  keys: ({ credential, path }) => Effect.map(listKeys({ credential, slug: path.slug }), (keys) => ({ keys })),
  createKey: ({ body, credential, path }) => createKey({ credential, slug: path.slug, body }),
  deleteKey: ({ credential, path }) => deleteKey({ credential, slug: path.slug }, path.id)
})
