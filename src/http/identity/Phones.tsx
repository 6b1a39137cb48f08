import type { ComponentChildren, VNode } from "preact"
import type { OwnIdentity } from "../../domain/identity/Identity.ts"
import { Hidden } from "../pages/Form.tsx"

const platformNames: Readonly<Record<string, string>> = { whatsapp: "WhatsApp" }

/** The name of a chat platform, for people. */
export const platformName = (platform: string): string => platformNames[platform] ?? platform

/** A masked phone or address, without the suffix that only programs need. */
export const shownIdentifier = ({ identifier }: Pick<OwnIdentity, "identifier">): string =>
  identifier.split("@")[0] ?? ""

interface PhoneActionProps {
  readonly id: string
  readonly deed: "confirm" | "decline" | "unlink"
  /** The page to return to. */
  readonly back: string
  readonly children: ComponentChildren
}

const PhoneAction = ({ back, children, deed, id }: PhoneActionProps): VNode => (
  <form method="post" action={`/agents/phones/${encodeURIComponent(id)}`}>
    <Hidden
      fields={[
        ["do", deed],
        ["back", back]
      ]}
    />
    <button type="submit" {...(deed === "confirm" ? {} : { class: "plain" })}>
      {children}
    </button>
  </form>
)

const states: Readonly<Record<OwnIdentity["state"], string>> = {
  claimed: "Not linked yet: this phone still has to answer YES.",
  declined: "Its owner said no to your account. We ask again only after it sends a code.",
  confirm_session: "This phone answered YES. It is linked once you confirm that it is yours.",
  verified: "Linked. Messages from this phone are yours.",
  displaced: "No longer linked: somebody else has since proved that this phone is theirs."
}

/** One of the person's phones: its state, and what they can do about it. */
export const Phone = ({ back, identity }: { identity: OwnIdentity; back: string }): VNode => {
  const { checkNumber, id, platform, state } = identity
  const shown = shownIdentifier(identity)
  return (
    <>
      <strong>
        {platformName(platform)} <bdi>{shown}</bdi>
      </strong>
      <div>{states[state]}</div>
      {checkNumber !== undefined && (
        <p>
          The question on that phone names this number: <span class="check">{checkNumber}</span>
          <span class="why">If it shows another number, the question is not from your account: answer NO.</span>
        </p>
      )}
      <div class="inline">
        {state === "confirm_session" && (
          <>
            <PhoneAction id={id} deed="confirm" back={back}>
              Yes, {shown} is my phone
            </PhoneAction>
            <PhoneAction id={id} deed="decline" back={back}>
              No, not mine
            </PhoneAction>
          </>
        )}
        {state === "verified" && (
          <PhoneAction id={id} deed="unlink" back={back}>
            Unlink {shown}
          </PhoneAction>
        )}
        {(state === "claimed" || state === "declined" || state === "displaced") && (
          <PhoneAction id={id} deed="unlink" back={back}>
            {state === "claimed" ? `Withdraw ${shown}` : `Forget ${shown}`}
          </PhoneAction>
        )}
      </div>
    </>
  )
}
