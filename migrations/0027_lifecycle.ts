import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/**
 * What becomes of what is published. A template that is deprecated is not installed anew; one that is withdrawn has no revision any more,
 * keeps its slug, and is installed by nobody, whoever was about to. Nobody is brought to a revision that is marked as broken: what is
 * offered is the newest that is not.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    ALTER TABLE agents
      ADD COLUMN deprecation text,
      ADD COLUMN successor text,
      ADD COLUMN withdrawn_at timestamptz,
      ADD CONSTRAINT agents_successor_of_deprecated CHECK (successor IS NULL OR deprecation IS NOT NULL),
      ADD CONSTRAINT agents_withdrawn_have_no_revision CHECK (withdrawn_at IS NULL OR revision IS NULL)
  `
  yield* sql`ALTER TABLE template_revisions ADD COLUMN broken text`
  yield* sql`
    CREATE FUNCTION offered_revision(template text) RETURNS integer LANGUAGE sql STABLE AS $$
      SELECT revision FROM template_revisions WHERE template_agent_id = template AND broken IS NULL
      ORDER BY revision DESC LIMIT 1
    $$
  `
  yield* sql`
    CREATE FUNCTION refuse_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM FROM agents WHERE id = NEW.template_agent_id AND withdrawn_at IS NULL FOR KEY SHARE;
      IF NOT FOUND AND EXISTS (SELECT FROM agents WHERE id = NEW.template_agent_id) THEN
        RAISE EXCEPTION 'The template % is withdrawn', NEW.template_agent_id USING ERRCODE = 'serialization_failure';
      END IF;
      RETURN NEW;
    END
    $$
  `
  yield* sql`
    CREATE TRIGGER agents_not_of_withdrawn BEFORE INSERT ON agents FOR EACH ROW
    WHEN (NEW.template_agent_id IS NOT NULL) EXECUTE FUNCTION refuse_withdrawn()
  `
  yield* sql`
    ALTER TABLE rollouts
      DROP CONSTRAINT rollouts_because_check,
      ADD CONSTRAINT rollouts_because_check
        CHECK (because IN ('asked', 'next_wave', 'too_much_trouble', 'revision_broken'))
  `
})
