/** Slugs no organization may have: they are, or may become, paths of the service itself. */
export const reservedSlugs: ReadonlySet<string> = new Set([
  "about",
  "account",
  "admin",
  "agent",
  "agents",
  "api",
  "app",
  "assets",
  "auth",
  "billing",
  "blog",
  "dashboard",
  "docs",
  "favicon",
  "health",
  "help",
  "home",
  "install",
  "invite",
  "legal",
  "login",
  "logout",
  "me",
  "metrics",
  "new",
  "null",
  "openapi",
  "org",
  "organization",
  "organizations",
  "orgs",
  "pricing",
  "privacy",
  "public",
  "publish",
  "publishers",
  "robots",
  "root",
  "schemas",
  "search",
  "security",
  "settings",
  "sign-in",
  "sign-out",
  "sign-up",
  "signin",
  "signout",
  "signup",
  "static",
  "status",
  "support",
  "system",
  "template",
  "templates",
  "terms",
  "undefined",
  "user",
  "users",
  "well-known",
  "www"
])

const maxLength = 48

// Letters that NFKD leaves whole though a reader would write them with plain ones.
const folded = [
  [/ß/g, "ss"],
  [/æ/g, "ae"],
  [/œ/g, "oe"],
  [/ø/g, "o"],
  [/[đð]/g, "d"],
  [/ł/g, "l"],
  [/þ/g, "th"],
  [/ı/g, "i"]
] as const

/** Text as a slug: lower case, diacritics folded, everything else a hyphen, 48 characters; empty where nothing is left. */
export const slugify = (text: string): string =>
  folded
    .reduce(
      (all, [letter, plain]) => all.replace(letter, plain),
      text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    )
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, maxLength)
    .replace(/^-|-$/g, "")

/**
 * What a personal organization's slug is made from: the name, else the local part of the e-mail address, else
 * `user-<start of id>`; the first that leaves something that is not reserved.
 */
export const personalSlug = (user: { readonly id: string; readonly name: string; readonly email: string }): string =>
  [user.name, user.email.replace(/@.*/s, "")].map(slugify).find((slug) => slug !== "" && !reservedSlugs.has(slug)) ??
  slugify(`user-${user.id.slice(0, 8)}`)

/** The n-th slug of a base: `ada`, `ada-2`, `ada-3`…, never over 48 characters. */
export const numberedSlug = (base: string, n: number): string => {
  if (n === 1) return base
  const suffix = `-${n}`
  return base.slice(0, maxLength - suffix.length).replace(/-$/, "") + suffix
}
