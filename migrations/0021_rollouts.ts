import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * Roll-outs of a revision to everybody who has the template, wave by wave, and who they are: `rollout_targets` is the truth of how far
 * one has come, whatever carries it on. An agent's owner says whether a roll-out may touch it (`updates`). In the history a roll-out
 * is nobody's of the organization, so it has no user.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    ALTER TABLE agents
      ADD COLUMN updates text NOT NULL DEFAULT 'automatic' CHECK (updates IN ('automatic', 'manual'))
  `
  yield* sql`
    ALTER TABLE mirror_history
      ALTER COLUMN user_id DROP NOT NULL,
      DROP CONSTRAINT mirror_history_action_check,
      ADD CONSTRAINT mirror_history_action_check CHECK (action IN ('install', 'resync', 'uninstall', 'rollout')),
      ADD CONSTRAINT mirror_history_user_check CHECK ((user_id IS NULL) = (action = 'rollout'))
  `
  yield* sql`
    CREATE TABLE rollouts (
      id text PRIMARY KEY DEFAULT 'rollout_' || replace(gen_random_uuid()::text, '-', ''),
      template_agent_id text NOT NULL,
      revision integer NOT NULL,
      waves smallint[] NOT NULL CHECK (cardinality(waves) > 0),
      sizes integer[] NOT NULL CHECK (cardinality(sizes) = cardinality(waves)),
      advance text NOT NULL CHECK (advance IN ('automatic', 'manual')),
      stop_above double precision NOT NULL CHECK (stop_above BETWEEN 0 AND 1),
      state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused', 'done', 'cancelled')),
      because text CHECK (because IN ('asked', 'next_wave', 'too_much_trouble')),
      wave smallint NOT NULL DEFAULT 0 CHECK (wave BETWEEN 0 AND cardinality(waves) - 1),
      attempt integer NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now(),
      worked_at timestamptz NOT NULL DEFAULT now(),
      ended_at timestamptz,
      FOREIGN KEY (template_agent_id, revision) REFERENCES template_revisions ON DELETE CASCADE,
      CHECK ((state = 'paused') = (because IS NOT NULL)),
      CHECK ((state IN ('done', 'cancelled')) = (ended_at IS NOT NULL))
    )
  `
  yield* sql`CREATE UNIQUE INDEX rollouts_one_at_a_time ON rollouts (template_agent_id) WHERE ended_at IS NULL`
  yield* sql`CREATE INDEX rollouts_template ON rollouts (template_agent_id, created_at)`
  yield* sql`CREATE INDEX rollouts_running ON rollouts (id) WHERE state = 'running'`
  yield* sql`CREATE INDEX rollouts_ended ON rollouts (ended_at, id) WHERE ended_at IS NOT NULL`
  yield* sql`
    CREATE TABLE rollout_targets (
      rollout_id text NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE,
      organization_id text NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
      wave smallint NOT NULL,
      place integer NOT NULL,
      outcome text CHECK (outcome IN ('updated', 'unchanged', 'pinned', 'manual', 'gone', 'collided', 'failed')),
      reason text CHECK (reason IS NULL OR outcome IN ('collided', 'failed')),
      PRIMARY KEY (rollout_id, organization_id)
    )
  `
  yield* sql`CREATE INDEX rollout_targets_open ON rollout_targets (rollout_id, wave, place) WHERE outcome IS NULL`
  yield* sql`
    CREATE INDEX rollout_targets_trouble ON rollout_targets (rollout_id, wave) WHERE outcome IN ('collided', 'failed')
  `
  yield* sql`CREATE INDEX rollout_targets_organization ON rollout_targets (organization_id, rollout_id)`
})
