import { Schema } from "effect"
import {
  InvalidRequest,
  SelfInstall,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic,
  TooLarge,
  UnsupportedMediaType
} from "../domain/Errors.ts"
import { problem } from "./Problem.ts"

/* What endpoints of several groups share. */

/** The parameters of paths. */
export const inPath = {
  agent: Schema.String.annotations({ description: "The agent's id." }),
  template: Schema.String.annotations({ description: "The template's slug." }),
  kind: Schema.String.annotations({ description: "The row's kind, as entity_types." }),
  row: Schema.String.annotations({ description: "The slug that the row has in the organization." }),
  watcher: Schema.String.annotations({ description: "The watcher's slug." }),
  identity: Schema.String.annotations({ description: "The identity's id, as the list of identities has it." }),
  pending: Schema.String.annotations({ description: "The id that a look-up gave with the question." }),
  publisher: Schema.String.annotations({ description: "The publisher's slug." }),
  invitation: Schema.String.annotations({ description: "The invitation's id." }),
  member: Schema.String.annotations({ description: "The id of the member's account." }),
  key: Schema.String.annotations({ description: "The key's id." }),
  revision: Schema.String.annotations({ description: "The revision's number, or newest." }),
  revisionNumber: Schema.String.annotations({ description: "The revision's number." }),
  subject: Schema.String.annotations({ description: "A subject of the interface: a tag of this document." }),
  schema: Schema.String.annotations({ description: "The name of the schema's file." }),
  rollout: Schema.String.annotations({ description: "The roll-out's id." })
}

/** An operation for a person who is signed in, by session cookie or bearer token. */
export const signedIn = (operation: object) => ({ ...operation, security: [{ session: [] }, { bearer: [] }] })

/** An operation for a signed-in member of a publisher, or for a program with one of the publisher's keys. */
export const publisher = (operation: object) => ({
  ...operation,
  security: [{ session: [] }, { bearer: [] }, { key: [] }]
})

/** An operation for the chat gateway, by its own token. */
export const gateway = (operation: object) => ({ ...operation, security: [{ gateway: [] }] })

/** Why a body can't be read, in the order of refusal. */
export const unreadable = Schema.Union(problem(UnsupportedMediaType), problem(TooLarge), problem(InvalidRequest))

/** Why a template can't be mirrored, in the order of refusal. */
export const templateRefusals = Schema.Union(
  problem(TemplateNotFound),
  problem(TemplateIsInstalled),
  problem(SelfInstall),
  problem(TemplateNotPublic)
)
