import type { SqlClient } from "@effect/sql"
import type { SqlError } from "@effect/sql/SqlError"
import type { Effect } from "effect"
import accounts from "./0001_accounts.ts"
import organizations from "./0002_organizations.ts"
import agents from "./0003_agents.ts"
import definitions from "./0004_definitions.ts"
import entities from "./0005_entities.ts"
import mirror from "./0006_mirror.ts"
import rateLimits from "./0007_rate_limits.ts"
import mirrorHistory from "./0008_mirror_history.ts"
import identities from "./0009_identities.ts"
import identityAnswers from "./0010_identity_answers.ts"
import revisionDocuments from "./0011_revision_documents.ts"
import agentsByTemplate from "./0012_agents_by_template.ts"
import removeAgentPlans from "./0013_remove_agent_plans.ts"
import slugsOfPublishers from "./0014_slugs_of_publishers.ts"
import contentTexts from "./0015_content_texts.ts"
import leftRows from "./0016_left_rows.ts"
import sweep from "./0017_sweep.ts"
import accountDeletion from "./0018_account_deletion.ts"
import publishers from "./0019_publishers.ts"
import events from "./0020_events.ts"
import rollouts from "./0021_rollouts.ts"
import adoption from "./0022_adoption.ts"
import revisionNotes from "./0023_revision_notes.ts"
import references from "./0024_references.ts"
import referenceReads from "./0025_reference_reads.ts"
import turnInAStatement from "./0026_turn_in_a_statement.ts"
import lifecycle from "./0027_lifecycle.ts"
import keptAnswers from "./0028_kept_answers.ts"
import turnByOrganization from "./0029_turn_by_organization.ts"
import edits from "./0030_edits.ts"
import turnsAtOnce from "./0031_turns_at_once.ts"
import handEdits from "./0032_hand_edits.ts"

/** The schema, in order. Ids are gapless; what has landed is never edited, only added to. */
export const migrations: Record<string, Effect.Effect<void, SqlError, SqlClient.SqlClient>> = {
  "0001_accounts": accounts,
  "0002_organizations": organizations,
  "0003_agents": agents,
  "0004_definitions": definitions,
  "0005_entities": entities,
  "0006_mirror": mirror,
  "0007_rate_limits": rateLimits,
  "0008_mirror_history": mirrorHistory,
  "0009_identities": identities,
  "0010_identity_answers": identityAnswers,
  "0011_revision_documents": revisionDocuments,
  "0012_agents_by_template": agentsByTemplate,
  "0013_remove_agent_plans": removeAgentPlans,
  "0014_slugs_of_publishers": slugsOfPublishers,
  "0015_content_texts": contentTexts,
  "0016_left_rows": leftRows,
  "0017_sweep": sweep,
  "0018_account_deletion": accountDeletion,
  "0019_publishers": publishers,
  "0020_events": events,
  "0021_rollouts": rollouts,
  "0022_adoption": adoption,
  "0023_revision_notes": revisionNotes,
  "0024_references": references,
  "0025_reference_reads": referenceReads,
  "0026_turn_in_a_statement": turnInAStatement,
  "0027_lifecycle": lifecycle,
  "0028_kept_answers": keptAnswers,
  "0029_turn_by_organization": turnByOrganization,
  "0030_edits": edits,
  "0031_turns_at_once": turnsAtOnce,
  "0032_hand_edits": handEdits
}
