/**
 * Where pages and their forms are. One path may be shown (GET) and acted on (POST); what stands for a parameter begins with a
 * colon. No organization has the name of a page (`reservedSlugs`), so `/:organization/…` is none of the others.
 */
export const pagePaths = [
  { method: "GET", path: "/" },
  { method: "GET", path: "/assets/:file" },
  { method: "GET", path: "/sign-in" },
  { method: "POST", path: "/sign-in" },
  { method: "GET", path: "/sign-up" },
  { method: "POST", path: "/sign-up" },
  { method: "POST", path: "/sign-out" }
] as const satisfies ReadonlyArray<{ readonly method: "GET" | "POST"; readonly path: `/${string}` }>

/** A path that is shown, or acted on. */
export type PagePath<Method extends "GET" | "POST"> = Extract<(typeof pagePaths)[number], { method: Method }>["path"]
