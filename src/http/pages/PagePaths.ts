/**
 * The paths of pages and their forms. A path may be shown (GET) and acted on (POST); a parameter begins with a colon.
 * No organization has the name of a page (`reservedSlugs`), so `/:organization/…` matches none of the others.
 */
export const pagePaths = [
  { method: "GET", path: "/" },
  { method: "GET", path: "/assets/:file" },
  { method: "GET", path: "/sign-in" },
  { method: "POST", path: "/sign-in" },
  { method: "GET", path: "/sign-up" },
  { method: "POST", path: "/sign-up" },
  { method: "POST", path: "/sign-out" },
  { method: "GET", path: "/account" },
  { method: "POST", path: "/account/name" },
  { method: "POST", path: "/account/password" },
  { method: "POST", path: "/account/sessions" },
  { method: "GET", path: "/account/delete" },
  { method: "POST", path: "/account/delete" },
  { method: "GET", path: "/account/forgot" },
  { method: "POST", path: "/account/forgot" },
  { method: "GET", path: "/account/reset" },
  { method: "POST", path: "/account/reset" },
  { method: "GET", path: "/account/verify" },
  { method: "POST", path: "/account/verify" },
  { method: "POST", path: "/account/verification" },
  { method: "GET", path: "/install/:slug" },
  { method: "POST", path: "/install/:slug" },
  { method: "GET", path: "/agents" },
  { method: "POST", path: "/agents/phones" },
  { method: "POST", path: "/agents/phones/:id" },
  { method: "GET", path: "/:organization/agents/:id" },
  { method: "POST", path: "/:organization/agents/:id/chat" },
  { method: "POST", path: "/:organization/agents/:id/updates" },
  { method: "POST", path: "/:organization/agents/:id/watchers/:slug" },
  { method: "POST", path: "/:organization/agents/:id/mode" },
  { method: "GET", path: "/:organization/agents/:id/rows/:kind/:slug" },
  { method: "POST", path: "/:organization/agents/:id/rows/:kind/:slug" },
  { method: "POST", path: "/:organization/agents/:id/rows/:kind/:slug/delete" },
  { method: "GET", path: "/:organization/agents/:id/update" },
  { method: "POST", path: "/:organization/agents/:id/update" },
  { method: "GET", path: "/:organization/agents/:id/uninstall" },
  { method: "POST", path: "/:organization/agents/:id/uninstall" }
] as const satisfies ReadonlyArray<{ readonly method: "GET" | "POST"; readonly path: `/${string}` }>

/** A path of a page (GET) or of a form (POST). */
export type PagePath<Method extends "GET" | "POST"> = Extract<(typeof pagePaths)[number], { method: Method }>["path"]
