import { Redacted } from "effect"
import type { VNode } from "preact"
import type { ApiKey } from "../../domain/account/ApiKey.ts"
import { invitationDays, type OwnPublisher, Role, type Team } from "../../domain/publishing/Publisher.ts"
import type { OwnTemplate } from "../../domain/publishing/Revision.ts"
import { count } from "../installation/Words.ts"
import { Action, Field } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { Time } from "../pages/Time.tsx"
import type { Made } from "./ShownOnce.ts"

interface PublishersPageProps {
  readonly visitor: Visitor | undefined
  readonly notice: string | undefined
  readonly publishers: ReadonlyArray<OwnPublisher>
  readonly problems: ReadonlyArray<FormProblem>
}

/** The publishers of a person. */
export const PublishersPage = ({ notice, problems, publishers, visitor }: PublishersPageProps): VNode => (
  <Layout title="Publish" visitor={visitor} notice={notice} problems={problems} path="/publish">
    <h1>Publish</h1>
    {publishers.length === 0 ? (
      <p>You belong to no publisher yet.</p>
    ) : (
      <ul class="cards">
        {publishers.map(({ name, role, slug }) => (
          <li>
            <h2 dir="auto">
              <a href={`/publish/${slug}`}>{name}</a>
            </h2>
            <p class="quiet">
              You are {role === "member" ? "a member" : `an ${role}`} of <bdi>{slug}</bdi>.
            </p>
          </li>
        ))}
      </ul>
    )}
    <section>
      <h2>A new publisher</h2>
      <p>
        Whoever runs this service makes it, by a command that names you as its owner:{" "}
        <code>agent-install publisher create SLUG --owner {visitor?.email ?? "EMAIL"}</code>
      </p>
    </section>
    <section>
      <h2>An invitation</h2>
      <form method="post" action="/publish/join#problem">
        <Field
          name="token"
          label="What you were given"
          why="An owner of the publisher has it from this service. It is for your e-mail address alone."
          autocomplete="off"
          required
          problems={problems}
        />
        <button type="submit">Join the publisher</button>
      </form>
    </section>
  </Layout>
)

const madeWords = {
  key: {
    title: "Your new key",
    text: "Keep it where your program reads it, as AGENT_INSTALL_KEY. It is shown this once: we keep only a digest of it."
  },
  invitation: {
    title: "The invitation",
    text: "Give this to the person yourself: they paste it under “Publish”, signed in with the address that you invited. It is shown this once."
  }
} as const

const MadePart = ({ made }: { made: Made }): VNode => (
  <div class="done" id="made" role="status" tabIndex={-1}>
    <h2>{madeWords[made.what].title}</h2>
    <p>{madeWords[made.what].text}</p>
    <p>
      <code>{Redacted.value(made.secret)}</code>
    </p>
  </div>
)

interface PublisherPageProps {
  readonly visitor: Visitor | undefined
  readonly notice: string | undefined
  readonly publisher: OwnPublisher
  readonly templates: ReadonlyArray<OwnTemplate>
  /** Absent where the visitor may not see them. */
  readonly keys: ReadonlyArray<ApiKey> | undefined
  readonly people: Team
  readonly made: Made | undefined
  readonly problems: ReadonlyArray<FormProblem>
}

const Templates = ({ publisher, templates }: PublisherPageProps): VNode => (
  <section id="templates">
    <h2>Templates</h2>
    {templates.length === 0 ? (
      <p>Nothing is published yet.</p>
    ) : (
      <ul class="cards">
        {templates.map(({ definitions, deprecated, description, installs, name, offered, revision, slug }) => (
          <li>
            <h3 dir="auto">
              <a href={`/publish/${publisher.slug}/templates/${slug}`}>{name}</a>
            </h3>
            <p dir="auto">{description}</p>
            <p class="quiet">
              Revision {revision}, {count(definitions, "part")}, installed by {count(installs, "organization")}.{" "}
              {deprecated !== null && <span class="mark changed">deprecated</span>}{" "}
              {offered !== revision && <span class="mark changed">the newest is broken</span>}
            </p>
          </li>
        ))}
      </ul>
    )}
    <p class="quiet">
      A template is published from a folder, with a key:{" "}
      <code>agent-install template publish --url {"<this address>"} DIR</code>. To begin one:{" "}
      <code>agent-install template init DIR</code>.
    </p>
  </section>
)

const Keys = ({ keys, problems, publisher }: PublisherPageProps): VNode | null =>
  keys === undefined ? null : (
    <section id="keys">
      <h2>Keys for programs</h2>
      {keys.length > 0 && (
        <ul class="rows">
          {keys.map(({ createdAt, id, lastUsedAt, name, scopes, start }) => (
            <li>
              <strong dir="auto">{name}</strong> <code>{start}…</code>
              <div class="quiet">
                {scopes.includes("publish") ? "Publishes" : "Reads only"}. Made <Time at={createdAt} />,{" "}
                {lastUsedAt === null ? (
                  "never used"
                ) : (
                  <>
                    last used <Time at={lastUsedAt} />
                  </>
                )}
                .
              </div>
              <Action
                action={`/publish/${publisher.slug}/keys/${encodeURIComponent(id)}`}
                label={`Delete ${name}`}
                class="plain"
              />
            </li>
          ))}
        </ul>
      )}
      <form method="post" action={`/publish/${publisher.slug}/keys#problem`}>
        <Field
          name="key_name"
          label="Name of a new key"
          why="What it is for, so that you know later which one to delete."
          required
          problems={problems}
        />
        <fieldset>
          <legend>What it may do</legend>
          <label class="choice">
            <input type="radio" name="scope" value="publish" checked /> <span>Publish, roll out and read</span>
          </label>
          <label class="choice">
            <input type="radio" name="scope" value="read" /> <span>Read only</span>
          </label>
        </fieldset>
        <button type="submit">Make a key</button>
      </form>
    </section>
  )

const RoleSelect = ({ chosen, id }: { id: string; chosen: Role }): VNode => (
  <select id={id} name="role">
    {Role.literals.map((one) => (
      <option value={one} selected={one === chosen}>
        {one}
      </option>
    ))}
  </select>
)

const Members = ({ people, problems, publisher, visitor }: PublisherPageProps): VNode => {
  const isOwner = publisher.role === "owner"
  return (
    <section id="members">
      <h2>Members</h2>
      <p class="quiet">
        Members publish and roll out. Admins also make keys and take back what is published. Owners also decide who
        belongs to it.
      </p>
      <ul class="rows">
        {people.members.map(({ email, name, role, userId }, at) => {
          const action = `/publish/${publisher.slug}/members/${encodeURIComponent(userId)}`
          const isSelf = userId === visitor?.userId
          return (
            <li>
              <strong dir="auto">{name}</strong> <bdi>{email}</bdi> <span class="mark">{role}</span>
              {isOwner && (
                <form method="post" action={action}>
                  <label for={`role-${at}`}>Role of {name}</label>
                  <RoleSelect id={`role-${at}`} chosen={role} />
                  <button type="submit" class="plain">
                    Change the role of {name}
                  </button>
                </form>
              )}
              {(isOwner || isSelf) && (
                <Action
                  action={action}
                  fields={{ role: "none" }}
                  label={isSelf ? "Leave" : `Remove ${name}`}
                  class="plain"
                />
              )}
            </li>
          )
        })}
      </ul>
      {people.invitations.length > 0 && (
        <>
          <h3>Invited</h3>
          <ul class="rows">
            {people.invitations.map(({ email, expiresAt, id, role }) => (
              <li>
                <bdi>{email}</bdi> <span class="mark">{role}</span>
                <div class="quiet">
                  Good until <Time at={expiresAt} />.
                </div>
                {isOwner && (
                  <Action
                    action={`/publish/${publisher.slug}/invitations/${encodeURIComponent(id)}`}
                    label={`Take the invitation of ${email} back`}
                    class="plain"
                  />
                )}
              </li>
            ))}
          </ul>
        </>
      )}
      {isOwner && (
        <form method="post" action={`/publish/${publisher.slug}/invitations#problem`}>
          <Field
            name="email"
            label="E-mail address of somebody to invite"
            why={`They need an account with this address. The invitation is good for ${invitationDays} days, and you pass it on yourself.`}
            type="email"
            autocomplete="off"
            required
            problems={problems}
          />
          <label for="role-invited">Role</label>
          <RoleSelect id="role-invited" chosen="member" />
          <button type="submit">Invite</button>
        </form>
      )}
    </section>
  )
}

/** A publisher: its templates, keys and members. */
export const PublisherPage = (props: PublisherPageProps): VNode => {
  const { made, notice, problems, publisher, visitor } = props
  return (
    <Layout title={publisher.name} visitor={visitor} notice={notice} problems={problems}>
      <p>
        <a href="/publish">All my publishers</a>
      </p>
      <h1 dir="auto">{publisher.name}</h1>
      {made !== undefined && <MadePart made={made} />}
      <Templates {...props} />
      <Keys {...props} />
      <Members {...props} />
    </Layout>
  )
}
