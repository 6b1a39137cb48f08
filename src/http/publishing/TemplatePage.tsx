import type { VNode } from "preact"
import { type PublishedChange, typeOf } from "../../domain/catalog/Template.ts"
import type { Adoption } from "../../domain/installation/Adoption.ts"
import type { OwnPublisher } from "../../domain/publishing/Publisher.ts"
import type { OwnTemplate, RevisionAnswer, RevisionList } from "../../domain/publishing/Revision.ts"
import type { RolloutStatus } from "../../domain/rollout/Rollout.ts"
import { count, fieldWords } from "../installation/Words.ts"
import { following } from "../pages/Assets.ts"
import { Action, Field } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { Time } from "../pages/Time.tsx"
import { Rollouts } from "../rollout/RolloutParts.tsx"
import { Bars } from "./Bars.tsx"

/** What the newest revision does to those who have it; "too many" where there are too many to say while one waits. */
export type ShownImpact = RevisionAnswer["impact"] | "too many"

export interface TemplatePageProps {
  readonly visitor: Visitor | undefined
  readonly notice: string | undefined
  readonly publisher: OwnPublisher
  readonly template: OwnTemplate
  /** The page's own path. */
  readonly path: `/${string}`
  readonly page: RevisionList
  readonly adoption: Adoption
  readonly rollouts: ReadonlyArray<RolloutStatus>
  /** Absent until it is asked for. */
  readonly impact: ShownImpact | undefined
  readonly typed: URLSearchParams
  readonly problems: ReadonlyArray<FormProblem>
}

const changeOf = ({ change, fields, kind, slug, was }: PublishedChange): string =>
  `${typeOf(kind)} ${slug}: ${change}${was === null ? "" : ` from ${was}`}${
    fields.length === 0 ? "" : ` (${fields.map(fieldWords).join(", ")})`
  }`

const shownChanges = 12

const Revisions = ({ page, path, publisher, template }: TemplatePageProps): VNode => (
  <section id="revisions">
    <h2>Revisions</h2>
    <ul class="rows">
      {page.revisions.map(({ broken, changes, notes, publishedAt, revision }) => (
        <li>
          <h3>
            Revision {revision} {broken !== null && <span class="mark changed">broken</span>}
          </h3>
          <p class="quiet">
            Published <Time at={publishedAt} />.
          </p>
          {broken !== null && (
            <>
              <p class="prose" dir="auto">
                {broken}
              </p>
              {publisher.role !== "member" && (
                <Action
                  action={`${path}/revisions/${revision}`}
                  label={`Offer revision ${revision} again`}
                  class="plain"
                />
              )}
            </>
          )}
          {notes !== "" && (
            <p class="prose" dir="auto">
              {notes}
            </p>
          )}
          {changes.length > 0 && (
            <details>
              <summary>{count(changes.length, "change")}</summary>
              <ul>
                {changes.slice(0, shownChanges).map((change) => (
                  <li>{changeOf(change)}</li>
                ))}
                {changes.length > shownChanges && <li>and {changes.length - shownChanges} more</li>}
              </ul>
            </details>
          )}
        </li>
      ))}
    </ul>
    {page.next !== null && (
      <nav class="pages" aria-label="Pages of revisions">
        <a href={`${path}?before=${page.next}#revisions`}>Earlier revisions</a>
      </nav>
    )}
    <p class="quiet">
      To fetch one into a folder:{" "}
      <code>
        agent-install template pull {"<this address>"} {publisher.slug}/{template.slug}
      </code>
    </p>
  </section>
)

const Adopted = ({ adoption, template }: TemplatePageProps): VNode => {
  const { counted, countedSince, days, following: follow, installations, manual, pinned, revisions, rows } = adoption
  return (
    <section id="adoption">
      <h2>Who has it</h2>
      <p>
        {count(installations, "organization")}: {follow} follow roll-outs, {manual} update by hand, {pinned} stay at a
        revision of their own. You are told numbers, never who they are.
      </p>
      {revisions.length > 0 && (
        <>
          <Bars
            label="Organizations by revision"
            bars={revisions.map(({ installations: value, revision }) => ({ name: `Rev. ${revision}`, value }))}
          />
          <table>
            <caption>Organizations by revision</caption>
            <thead>
              <tr>
                <th scope="col">Revision</th>
                <th scope="col">All</th>
                <th scope="col">Pinned</th>
              </tr>
            </thead>
            <tbody>
              {revisions.map(({ installations: all, pinned: stay, revision }) => (
                <tr>
                  <th scope="row">
                    {revision}
                    {revision === template.revision && ", the newest"}
                  </th>
                  <td>{all}</td>
                  <td>{stay}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      {days.length > 0 && (
        <details>
          <summary>Installs and uninstalls by day</summary>
          <Bars
            label="Installs by day"
            bars={days.slice(0, 14).map(({ day, installs }) => ({ name: day.slice(5), value: installs }))}
          />
          <ul>
            {days.map(({ day, installs, uninstalls }) => (
              <li>
                <time dateTime={day}>{day}</time>: {installs} installed, {uninstalls} uninstalled
              </li>
            ))}
          </ul>
        </details>
      )}
      {rows.length > 0 && (
        <details>
          <summary>What is not as published</summary>
          <p class="quiet">
            In {count(counted, "organization")}
            {countedSince !== null && (
              <>
                , looked at since <Time at={countedSince} />
              </>
            )}
            .
          </p>
          <ul>
            {rows.slice(0, 20).map(({ colliding, customized, deleted, kind, retired, slug }) => (
              <li>
                {typeOf(kind)} {slug}: {customized} changed, {deleted} deleted, {colliding} in the way, {retired}{" "}
                withdrawn and kept
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}

const ImpactPart = ({ impact, path, template }: TemplatePageProps): VNode => (
  <section id="impact">
    <h2>What the newest revision does</h2>
    {impact === undefined ? (
      <p>
        <a href={`${path}?impact=newest#impact`}>Work out what revision {template.revision} does</a> to those who have
        the template. That looks at each of them, so it may take a while.
      </p>
    ) : impact === "too many" ? (
      <p>
        There are too many of them to say while you wait: ask{" "}
        <code>agent-install template diff --url {"<this address>"} DIR</code> before you publish, or start a roll-out
        with a small first wave.
      </p>
    ) : impact.installations === 0 ? (
      <p>Nobody has it installed.</p>
    ) : (
      <>
        <p>
          Of {count(impact.installations, "organization")}, {impact.affected} are affected once they come to it (
          {impact.pinned} are pinned):
        </p>
        <dl class="facts">
          <dt>new</dt>
          <dd>{impact.total.creates}</dd>
          <dt>updated</dt>
          <dd>{impact.total.updates}</dd>
          <dt>kept as their owners changed them</dt>
          <dd>{impact.total.customized}</dd>
          <dt>in the way</dt>
          <dd>{impact.total.collisions}</dd>
          <dt>removed</dt>
          <dd>{impact.total.removals}</dd>
          <dt>hidden, since changed or in use</dt>
          <dd>{impact.total.retirements}</dd>
        </dl>
      </>
    )}
  </section>
)

const TakeBack = ({ page, path, problems, publisher, template, typed }: TemplatePageProps): VNode | null => {
  if (publisher.role === "member") return null
  const { deprecated, installs } = template
  const whole = page.revisions.filter(({ broken }) => broken === null)
  return (
    <section id="take-back">
      <h2>Take it back</h2>
      {whole.length > 0 && (
        <form method="post" action={`${path}/revisions#problem`}>
          <label for="broken-revision">A revision that is broken</label>
          <select id="broken-revision" name="revision">
            {whole.map(({ revision }) => (
              <option value={String(revision)}>Revision {revision}</option>
            ))}
          </select>
          <Field
            name="broken_reason"
            label="What is wrong with it"
            why="Nobody is brought to it any more, and a roll-out to it is paused. Those who have it read this, and go to the newest that is not broken with their next update."
            value={typed.get("broken_reason") ?? ""}
            required
            problems={problems}
          />
          <button type="submit" class="plain">
            Mark it as broken
          </button>
        </form>
      )}
      {deprecated === null ? (
        <form method="post" action={`${path}/deprecation#problem`}>
          <input type="hidden" name="do" value="deprecate" />
          <Field
            name="deprecation_reason"
            label="Why nobody should begin with it"
            why="It is not installed anew. Who has it keeps it, and gets its revisions. You can bring it back."
            value={typed.get("deprecation_reason") ?? ""}
            required
            problems={problems}
          />
          <Field
            name="successor"
            label="Template to take instead (optional)"
            why="Its short name, as in its address."
            value={typed.get("successor") ?? ""}
            problems={problems}
          />
          <button type="submit" class="plain">
            Deprecate {template.name}
          </button>
        </form>
      ) : (
        <Action
          action={`${path}/deprecation`}
          fields={{ do: "restore" }}
          label={`Bring ${template.name} back`}
          class="plain"
        />
      )}
      {installs === 0 ? (
        <form method="post" action={`${path}/withdrawal#problem`}>
          <Field
            name="withdraw"
            label={`Withdraw it for good: type ${template.slug}`}
            why="Nobody has it installed. This is final: nothing is published under its name again."
            autocomplete="off"
            required
            problems={problems}
          />
          <button type="submit" class="grave">
            Withdraw {template.name} for good
          </button>
        </form>
      ) : (
        <p class="quiet">It can be withdrawn for good when nobody has it installed any more.</p>
      )}
    </section>
  )
}

/** A template, as its publisher sees it. */
export const TemplatePage = (props: TemplatePageProps): VNode => {
  const { notice, page, path, problems, publisher, rollouts, template, typed, visitor } = props
  const runs = rollouts.some(({ state }) => state === "running")
  return (
    <Layout
      title={`${template.name}, published`}
      visitor={visitor}
      notice={notice}
      problems={problems}
      script={following}
      refreshTo={runs && problems.length === 0 ? path : undefined}
    >
      <p>
        <a href={`/publish/${publisher.slug}`}>
          All of <bdi>{publisher.name}</bdi>
        </a>
      </p>
      <h1 dir="auto">{template.name}</h1>
      <p class="lead" dir="auto">
        {template.description}
      </p>
      <p class="quiet">
        Revision {template.revision}, {count(template.definitions, "part")}.{" "}
        <a href={`/install/${template.slug}`}>Its page for everybody</a>
      </p>
      {template.deprecated !== null && (
        <div class="next" id="deprecated">
          <h2>It is deprecated</h2>
          <p class="prose" dir="auto">
            {template.deprecated.reason}
          </p>
          {template.deprecated.successor !== null && (
            <p>
              Instead there is <a href={`/install/${template.deprecated.successor}`}>{template.deprecated.successor}</a>
              .
            </p>
          )}
        </div>
      )}
      <Rollouts
        path={path}
        publisher={publisher.slug}
        template={template}
        revisions={page.revisions}
        rollouts={rollouts}
        typed={typed}
        problems={problems}
      />
      <Adopted {...props} />
      <ImpactPart {...props} />
      <Revisions {...props} />
      <TakeBack {...props} />
    </Layout>
  )
}
