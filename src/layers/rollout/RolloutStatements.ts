/*
 * The statements about roll-outs. `rollout_targets` says how far one has come: a target without an outcome is open, and gets one in
 * the transaction that brings its organization to the revision.
 */

/**
 * Parameters: template, revision. Result: whether there is such a revision, why it is broken if it is, the newest, the newest that is
 * not broken.
 */
export const askStatement = `SELECT EXISTS (
    SELECT FROM template_revisions WHERE template_agent_id = $1::text AND revision = $2::integer
  ) AS exists, (
    SELECT broken FROM template_revisions WHERE template_agent_id = $1::text AND revision = $2::integer
  ) AS broken, t.revision AS newest, offered_revision(t.id) AS offered
FROM agents t WHERE t.id = $1::text AND t.template_agent_id IS NULL`

/** Who has the template, in the order of their ids. Parameter: template. */
export const installedStatement =
  "SELECT organization_id FROM agents WHERE template_agent_id = $1::text AND organization_id IS NOT NULL ORDER BY organization_id"

/**
 * Begins a roll-out. Parameters: template, revision, waves, sizes, advance, stop above. Nothing begins, and there is no result, where the
 * revision was marked as broken meanwhile.
 */
export const startStatement = `WITH whole AS MATERIALIZED (
  SELECT template_agent_id, revision FROM template_revisions
  WHERE template_agent_id = $1::text AND revision = $2::integer AND broken IS NULL FOR SHARE
)
INSERT INTO rollouts (template_agent_id, revision, waves, sizes, advance, stop_above)
SELECT template_agent_id, revision, $3::smallint[], $4::integer[], $5::text, $6::float8 FROM whole
RETURNING id AS rollout_id`

/** Writes who is in which wave, in order. Parameters: the roll-out, the organizations, the wave of each. */
export const drawnStatement = `INSERT INTO rollout_targets (rollout_id, organization_id, wave, place)
SELECT $1::text, drawn.organization_id, drawn.wave, drawn.place
FROM unnest($2::text[], $3::smallint[]) WITH ORDINALITY AS drawn (organization_id, wave, place)
-- Who has gone meanwhile has no account any more.
JOIN organization o ON o.id = drawn.organization_id`

/**
 * What is known of roll-outs, the newest first. Parameters: template, the id of one or null, how many, the id of the roll-out after
 * which to begin, or null.
 */
export const statusStatement = `WITH asked AS MATERIALIZED (
  SELECT * FROM rollouts WHERE template_agent_id = $1::text AND ($2::text IS NULL OR id = $2::text)
    AND ($4::text IS NULL OR (SELECT rollouts.created_at < b.created_at OR (rollouts.created_at = b.created_at AND rollouts.id > b.id)
      FROM rollouts b WHERE b.template_agent_id = $1::text AND b.id = $4::text))
  ORDER BY created_at DESC, id LIMIT $3::integer
)
SELECT r.id AS rollout_id, r.revision, r.state, r.because, r.wave, r.waves, r.advance, r.stop_above, r.created_at AS started_at,
  r.ended_at,
  COALESCE((
    SELECT jsonb_agg(counted) FROM (
      SELECT wave, outcome, count(*)::integer AS organizations FROM rollout_targets WHERE rollout_id = r.id GROUP BY wave, outcome
    ) counted
  ), '[]') AS counts,
  COALESCE((
    SELECT jsonb_agg(example ORDER BY organizations DESC, reason) FROM (
      SELECT outcome, COALESCE(reason, '') AS reason, count(*)::integer AS organizations FROM rollout_targets
      WHERE rollout_id = r.id AND outcome IN ('collided', 'failed')
      GROUP BY outcome, reason ORDER BY count(*) DESC, reason LIMIT 10
    ) example
  ), '[]') AS examples
FROM asked r ORDER BY r.created_at DESC, r.id`

/** The revision, unless it is broken; it can't be marked broken until this transaction ends. Parameters: template, revision. */
export const wholeStatement = `SELECT revision FROM template_revisions
WHERE template_agent_id = $1::text AND revision = $2::integer AND broken IS NULL FOR SHARE`

/** Takes the roll-out's turn: no batch runs meanwhile. Parameters: template, its id. Result: how it stands. */
export const lockStatement = `SELECT id AS rollout_id, revision, state, because, wave, attempt, stop_above
FROM rollouts WHERE template_agent_id = $1::text AND id = $2::text FOR UPDATE`

/** Parameters: id, state, because, wave, attempt, revision, stop above. */
export const setStatement = `UPDATE rollouts SET state = $2::text, because = $3::text, wave = $4::smallint, attempt = $5::integer,
  revision = $6::integer, stop_above = $7::float8, worked_at = now(),
  ended_at = CASE WHEN $2::text IN ('done', 'cancelled') THEN now() END
WHERE id = $1::text`

/** Opens targets again: those that collided or failed, or, for another revision, all. Parameters: id, whether all. */
export const reopenStatement = `UPDATE rollout_targets SET outcome = NULL, reason = NULL
WHERE rollout_id = $1::text AND (outcome IN ('collided', 'failed') OR $2::boolean AND outcome IS NOT NULL)`

/** Parameter: after how many seconds without work one counts as stuck. */
export const runningStatement = `SELECT id AS rollout_id, attempt, worked_at < now() - make_interval(secs => $1::float8) AS is_stuck
FROM rollouts WHERE state = 'running'`

/** Begins the next attempt, where that one is still the last. Parameters: id, attempt. */
export const retryStatement = `UPDATE rollouts SET attempt = attempt + 1, worked_at = now()
WHERE id = $1::text AND attempt = $2::integer AND state = 'running'`

/**
 * The roll-out, where it runs in that attempt. Nobody can pause it until this transaction ends: whoever wants to waits for the batch,
 * and none follows. Parameters: id, attempt.
 */
export const shareLockStatement = `SELECT template_agent_id, revision, wave FROM rollouts
WHERE id = $1::text AND attempt = $2::integer AND state = 'running' FOR SHARE`

/** Who comes next after a place, but for those whom somebody else is at. Parameters: id, wave, how many, the place. Takes their turns. */
export const pickStatement = `SELECT t.organization_id, t.place FROM rollout_targets t JOIN organization o ON o.id = t.organization_id
WHERE t.rollout_id = $1::text AND t.wave = $2::smallint AND t.outcome IS NULL AND t.place > $4::integer
ORDER BY t.place LIMIT $3::integer FOR NO KEY UPDATE OF t, o SKIP LOCKED`

/** How many of some organizations refer to what is published. Parameters: template, their ids. */
export const referringStatement = `SELECT count(*)::integer AS organizations FROM agents
WHERE template_agent_id = $1::text AND organization_id = ANY ($2::text[]) AND mode = 'reference'`

/**
 * Gives those that are open an outcome, by their keys: a join, or a look at all that are open, takes the longer the more there are.
 * Parameters: id, a JSON object of `[outcome, reason or null]` by organization.
 */
export const outcomesStatement = `UPDATE rollout_targets t
SET outcome = $2::jsonb -> t.organization_id ->> 0, reason = $2::jsonb -> t.organization_id ->> 1
WHERE t.rollout_id = $1::text AND t.organization_id = ANY (ARRAY(SELECT jsonb_object_keys($2::jsonb)))
  -- Not IS NULL, for which the planner would choose the index of open targets.
  AND COALESCE(t.outcome, '') = ''`

/** How a roll-out stands, for what comes next. Takes its turn. Parameters: id, attempt. Result: `RolloutProgress`, and the revision. */
export const standingStatement = `SELECT r.template_agent_id, r.revision, r.state, r.wave, r.sizes, r.advance, r.stop_above,
  EXISTS (
    SELECT FROM rollout_targets t WHERE t.rollout_id = r.id AND t.wave = r.wave AND t.outcome IS NULL
  ) AS has_open,
  (
    SELECT count(*)::integer FROM rollout_targets t
    WHERE t.rollout_id = r.id AND t.wave = r.wave AND t.outcome IN ('collided', 'failed')
  ) AS trouble
FROM rollouts r WHERE r.id = $1::text AND r.attempt = $2::integer FOR NO KEY UPDATE`
