import type { VNode } from "preact"
import type { OwnTemplate, Revision } from "../../domain/publishing/Revision.ts"
import type { Outcome, PausedBecause, RolloutStatus } from "../../domain/rollout/Rollout.ts"
import { count } from "../installation/Words.ts"
import { Action, Field } from "../pages/Form.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { Time } from "../pages/Time.tsx"

interface RolloutsProps {
  /** The path of the template's page. */
  readonly path: `/${string}`
  readonly publisher: string
  readonly template: OwnTemplate
  readonly revisions: ReadonlyArray<Revision>
  readonly rollouts: ReadonlyArray<RolloutStatus>
  readonly typed: URLSearchParams
  readonly problems: ReadonlyArray<FormProblem>
}

const outcomeWords: Readonly<Record<Outcome, string>> = {
  updated: "updated",
  unchanged: "had it already",
  pinned: "stay at a revision of their own",
  manual: "update by hand",
  gone: "uninstalled since",
  collided: "left as they were: something of theirs is in the way",
  failed: "failed"
}
const outcomes = Object.keys(outcomeWords) as ReadonlyArray<Outcome>

const becauseWords: Readonly<Record<PausedBecause, string>> = {
  asked: "somebody paused it",
  next_wave: "the next wave waits for your yes",
  too_much_trouble: "too many of a wave collided or failed",
  revision_broken: "its revision is marked as broken"
}

const stateWords = ({ because, state, wave, waves }: RolloutStatus): string => {
  const at = `wave ${wave + 1} of ${waves.length}`
  if (state === "running") return `runs, at ${at}`
  return because === null
    ? state === "done"
      ? "is done"
      : "was cancelled"
    : `is paused at ${at}: ${becauseWords[because]}`
}

const RevisionSelect = ({
  chosen,
  id,
  none,
  revisions
}: {
  id: string
  revisions: ReadonlyArray<Revision>
  chosen?: number | null
  none?: string
}): VNode => (
  <select id={id} name="revision">
    {none !== undefined && <option value="">{none}</option>}
    {revisions
      .filter(({ broken }) => broken === null)
      .map(({ revision }) => (
        <option value={String(revision)} selected={revision === chosen}>
          Revision {revision}
        </option>
      ))}
  </select>
)

const Numbers = ({ rollout }: { rollout: RolloutStatus }): VNode => (
  <>
    <dl class="facts">
      <dt>still to come</dt>
      <dd data-of="open">{rollout.open}</dd>
      {outcomes.map((outcome) => (
        <>
          <dt>{outcomeWords[outcome]}</dt>
          <dd data-of={`outcomes.${outcome}`}>{rollout.outcomes[outcome]}</dd>
        </>
      ))}
    </dl>
    <ul>
      {rollout.waves.map(({ open, organizations, outcomes, upTo }, at) => (
        <li>
          Wave {at + 1}, up to {upTo} %: {count(organizations, "organization")},{" "}
          <span data-of={`waves.${at}.open`}>{open}</span> to come, of which{" "}
          <span data-of={`waves.${at}.outcomes.collided`}>{outcomes.collided}</span> collided and{" "}
          <span data-of={`waves.${at}.outcomes.failed`}>{outcomes.failed}</span> failed
        </li>
      ))}
    </ul>
    {rollout.examples.length > 0 && (
      <>
        <h3>What was in the way</h3>
        <ul>
          {rollout.examples.map(({ organizations, outcome, reason }) => (
            <li>
              {outcome}: <span dir="auto">{reason}</span> ({organizations})
            </li>
          ))}
        </ul>
      </>
    )}
  </>
)

/** One that has not ended, with how far it has come as it comes on. */
const Current = ({
  path,
  publisher,
  revisions,
  rollout,
  template
}: RolloutsProps & { rollout: RolloutStatus }): VNode => {
  const { open, organizations, revision, rolloutId, state, wave } = rollout
  const action = `${path}/rollouts/${rolloutId}`
  return (
    <div
      class="next"
      id="rollout"
      data-rollout={`/api/publishers/${publisher}/templates/${template.slug}/rollouts/${rolloutId}/events`}
      data-now={`${state} ${wave}`}
    >
      <h3>
        The roll-out of revision {revision} {stateWords(rollout)}
      </h3>
      <progress max={Math.max(1, organizations)} value={organizations - open} aria-label="How far it has come" />
      <p>
        To {count(organizations, "organization")}, since <Time at={rollout.startedAt} />. It pauses when more than{" "}
        {Math.round(rollout.stopAbove * 1_000) / 10} % of a wave collide or fail.
      </p>
      <Numbers rollout={rollout} />
      {state === "running" ? (
        <Action action={action} fields={{ do: "pause" }} label="Pause the roll-out" class="plain" />
      ) : (
        <form method="post" action={action}>
          <input type="hidden" name="do" value="resume" />
          <label for="resume-revision">Go on with</label>
          <span class="why" id="resume-why">
            Another revision begins again with the first wave, with the same organizations in each.
          </span>
          <RevisionSelect id="resume-revision" none={`Revision ${revision}, where it was`} revisions={revisions} />
          <button type="submit">Resume the roll-out</button>
        </form>
      )}
      <Action action={action} fields={{ do: "cancel" }} label="Cancel the roll-out" class="plain" />
      <p class="quiet">
        {state === "running" ? "This page follows it by itself. " : ""}Who has the revision keeps it, also where you
        cancel.
      </p>
    </div>
  )
}

const StartForm = ({ path, problems, revisions, template, typed }: RolloutsProps): VNode => (
  <form method="post" action={`${path}/rollouts#problem`}>
    <label for="rollout-revision">Revision to roll out</label>
    <RevisionSelect id="rollout-revision" revisions={revisions} chosen={template.offered} />
    <Field
      name="waves"
      label="Waves, in percent of the organizations"
      why="How far each wave goes, the last one to 100. Who is in which is drawn at random."
      value={typed.get("waves") ?? "1, 10, 50, 100"}
      required
      problems={problems}
    />
    <Field
      name="stop_above"
      label="Pause above, in percent of a wave"
      why="It pauses by itself when more than this share of a wave collides or fails."
      value={typed.get("stop_above") ?? "5"}
      required
      problems={problems}
    />
    <label class="choice">
      <input type="checkbox" name="manual" value="yes" checked={typed.get("manual") === "yes"} />{" "}
      <span>Wait for my yes after each wave</span>
    </label>
    <button type="submit">Start the roll-out</button>
  </form>
)

/** The roll-outs of a template: the one that is under way, or the form that starts one, and those before. */
export const Rollouts = (props: RolloutsProps): VNode => {
  const { rollouts, template } = props
  const current = rollouts.find(({ endedAt }) => endedAt === null)
  const ended = rollouts.filter(({ endedAt }) => endedAt !== null)
  return (
    <section id="rollouts">
      <h2>Roll-outs</h2>
      <p>
        A roll-out brings everybody who has the template to a revision, as their own update would: what they changed or
        deleted is kept, who is pinned or updates by hand is left out.
      </p>
      {current !== undefined ? (
        <Current {...props} rollout={current} />
      ) : template.offered === null ? (
        <p>Every revision is marked as broken: there is none to roll out.</p>
      ) : (
        <StartForm {...props} />
      )}
      {ended.map((rollout) => (
        <details>
          <summary>
            The roll-out of revision {rollout.revision} {stateWords(rollout)}
          </summary>
          <p>
            To {count(rollout.organizations, "organization")}, begun <Time at={rollout.startedAt} />.
          </p>
          <Numbers rollout={rollout} />
        </details>
      ))}
    </section>
  )
}
