import type { VNode } from "preact"
import type { DeletedOrganization, DeletionPlan } from "../../domain/account/Deletion.ts"
import { Field, Username } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"

const counted = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`

/** Joins a list into a sentence. */
const listed = (things: ReadonlyArray<string>) =>
  things.length < 2 ? things.join("") : `${things.slice(0, -1).join(", ")} and ${things.at(-1)}`

const Going = ({ organization }: { organization: DeletedOrganization }): VNode => {
  const { agents, definitions, entities, identities, otherMembers } = organization
  const things = [
    ...(agents > 0 ? [counted(agents, "agent")] : []),
    ...(definitions > 0 ? [counted(definitions, "definition")] : []),
    ...(entities > 0 ? [counted(entities, "entity", "entities")] : []),
    ...(identities > 1 ? ["the phones linked to it"] : [])
  ]
  return (
    <li>
      {organization.personal ? "Your own organization" : "The organization"} <bdi>{organization.name}</bdi> (
      <bdi>{organization.organizationSlug}</bdi>){things.length > 0 && `, with ${listed(things)}`}
      {otherMembers > 0 && <strong>; {counted(otherMembers, "other person loses", "other people lose")} it too</strong>}
    </li>
  )
}

interface DeletePageProps {
  readonly plan: DeletionPlan
  readonly visitor: Visitor | undefined
  readonly problems: ReadonlyArray<FormProblem>
}

/** What is deleted with an account, and the form that deletes it. */
export const DeletePage = ({ plan, problems, visitor }: DeletePageProps): VNode => (
  <Layout title="Delete your account" visitor={visitor} problems={problems}>
    <h1>Delete your account</h1>
    <h2>What goes</h2>
    <ul>
      <li>
        The account <bdi>{plan.email}</bdi>, its password and {counted(plan.sessions, "session")}
      </li>
      {plan.organizations.map((organization) => (
        <Going organization={organization} />
      ))}
    </ul>
    {plan.leaves.length > 0 && (
      <>
        <h2>What stays, without you</h2>
        <ul>
          {plan.leaves.map(({ name, organizationSlug }) => (
            <li>
              <bdi>{name}</bdi> (<bdi>{organizationSlug}</bdi>): the history there no longer shows your name
            </li>
          ))}
        </ul>
      </>
    )}
    {plan.obstacles.length > 0 ? (
      <>
        <h2>What has to be done first</h2>
        <p>
          Others depend on organizations of which you are the only owner. Make somebody else an owner of each. Then you
          can delete your account, and the organizations stay.
        </p>
        <ul>
          {plan.obstacles.map(({ installations, kept, name, organizationSlug, otherMembers }) => (
            <li>
              <bdi>{name}</bdi> (<bdi>{organizationSlug}</bdi>):{" "}
              {[
                ...(otherMembers > 0 ? [counted(otherMembers, "other member")] : []),
                ...(installations > 0 ? [`${counted(installations, "installation")} of its templates by others`] : []),
                ...(kept && installations === 0 ? ["rows of its templates that others keep"] : [])
              ].join(", ")}
            </li>
          ))}
        </ul>
      </>
    ) : (
      <>
        <p>
          <strong>This is final.</strong> Nobody can undo it, not even we. You may want to{" "}
          <a href="/api/account/export" download>
            download everything
          </a>{" "}
          first.
        </p>
        <form method="post" action="/account/delete#problem">
          <Username email={plan.email} />
          <Field
            name="password"
            label="Your password"
            why="So that nobody else can do this on a device where you are signed in."
            type="password"
            autocomplete="current-password"
            required
            problems={problems}
          />
          <button type="submit" class="grave">
            Delete the account {plan.email} for good
          </button>
        </form>
      </>
    )}
    <p>
      <a href="/account">Keep the account</a>
    </p>
  </Layout>
)
