/**
 * The sentence that a page shows after a form was handled and redirected there: `?done=` names one of these. So a link
 * can't make a page say anything else.
 */
const sentences = {
  "signed-in": "You are signed in.",
  "signed-up": "Your account is ready, and you are signed in.",
  "signed-out": "You are signed out. This browser keeps nothing of what it showed.",
  renamed: "Your name is changed. Your organization keeps its own name and address.",
  "password-changed": "Your password is changed. Everywhere else you were signed in, you are signed out.",
  "password-chosen": "Your new password is set, and you are signed out everywhere. Sign in with it.",
  "sessions-ended": "Done. You are now signed in only here.",
  "account-deleted": "Your account is deleted, with everything that belonged to it.",
  "reset-sent":
    "If there is an account with this address, a mail with a link is on its way to it. The link works for an hour.",
  "verification-sent": "A mail with a link is on its way to you. The link works for a day.",
  "email-verified": "Thank you. Your e-mail address is confirmed.",
  installed: "Installed. Everything listed below is yours now, in your own organization.",
  "up-to-date": "Your agent is there and up to date. Nothing was installed twice.",
  already: "You have this agent already. Nothing was changed.",
  updated: "Updated. What you had changed yourself was kept, unless you chose otherwise.",
  "rolled-back": "Done. Your agent stays at this revision until you follow the publisher again.",
  following: "Done. Your agent follows the publisher’s newest revision again.",
  copied: "Done. What this agent brought is a copy in your own organization now.",
  referenced: "Done. This agent refers to what its publisher published now. All of it is yours to change as before.",
  "row-changed": "Changed. Updates leave it as you have it now.",
  "row-deleted": "Deleted. It stays so through updates, until you bring it back.",
  uninstalled: "Uninstalled. What you had changed and what is in use is still yours.",
  "updates-automatic": "Done. When the publisher brings everybody up to date, yours is too.",
  "updates-manual": "Done. The publisher leaves yours as it is, until you update it yourself.",
  joined: "Welcome. You belong to this publisher now.",
  left: "Done. You do not belong to that publisher any more.",
  "key-deleted": "The key is deleted. It opens nothing any more.",
  "invitation-withdrawn": "The invitation is taken back. It opens nothing any more.",
  "member-changed": "Done. They have that role now.",
  "member-removed": "Done. They do not belong to it any more.",
  "rollout-started": "The roll-out has begun. You see below how far it has come.",
  "rollout-paused": "Paused. Nobody is brought to the revision until you resume it.",
  "rollout-resumed": "Resumed. It goes on where it was, and with those again that collided or failed.",
  "rollout-cancelled": "Cancelled. Who has the revision keeps it.",
  "template-deprecated": "Deprecated. Nobody installs it anew; who has it keeps it.",
  "template-restored": "Done. It is installed as before.",
  "template-withdrawn": "Withdrawn for good.",
  "revision-broken": "Marked as broken. Nobody is brought to that revision any more.",
  "revision-restored": "Done. That revision is offered again.",
  paused: "Paused. It does not run again until you resume it.",
  resumed: "Resumed. Its next run is shown beside it.",
  "phone-claimed": "Your number is noted. It is linked once you send the message, or answer ours, from that phone.",
  "phone-confirmed": "Confirmed. The phone is linked to your account.",
  "phone-waiting": "Confirmed from your side. It is linked once that phone has said yes.",
  "phone-ended": "Done. That phone is no longer linked to your account.",
  "phone-invalid_phone":
    "Installed. But the phone number could not be read, so no phone was linked: add it again under My phones.",
  "phone-no_member": "Installed. But no phone was linked: sign out and in again, then add it under My phones.",
  "phone-already_linked": "Installed. But that phone is linked to another account, so it was not linked to yours.",
  "phone-declined": "Installed. But the owner of that phone said no to your account, so it was not linked.",
  "phone-unavailable": "Installed. But the phone could not be linked just now: add it again under My phones."
} as const

export type Notice = keyof typeof sentences

/** The sentence that the address of a page asks for; none for an unknown name. */
export const noticeOf = (query: URLSearchParams): string | undefined => {
  const name = query.get("done")
  return name !== null && Object.hasOwn(sentences, name) ? sentences[name as Notice] : undefined
}

/** The address of a page with a notice, at which the browser begins to read. */
export const withNotice = (path: `/${string}`, notice: Notice): `/${string}` =>
  `${path}${path.includes("?") ? "&" : "?"}done=${notice}#done`
