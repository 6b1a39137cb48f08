import type { ComponentChildren, VNode } from "preact"
import type { UserId } from "../../domain/Ids.ts"
import { type Asset, icon, pageScript, styleSheet } from "./Assets.ts"
import { Problems } from "./Form.tsx"
import type { FormProblem } from "./ReadForm.ts"

/** The person who is signed in. */
export interface Visitor {
  readonly userId: UserId
  readonly name: string
  readonly email: string
}

/** What every page has. */
export interface Frame {
  readonly title: string
  /** Who is signed in; absent if nobody is. On an error page it is unknown. */
  readonly visitor?: Visitor | "unknown" | undefined
  /** The notice of what was just done (`noticeOf`). */
  readonly notice?: string | undefined
  /** What is wrong with the form that was sent. */
  readonly problems?: ReadonlyArray<FormProblem> | undefined
  /** The page that a browser without JavaScript reloads every five seconds to look for news. */
  readonly refreshTo?: `/${string}` | undefined
  /** The page's own path, to mark it in the navigation. */
  readonly path?: string | undefined
  /** A script that only this page has. */
  readonly script?: Asset | undefined
  readonly children?: ComponentChildren
}

const NavLink = ({ href, now, children }: { href: `/${string}`; now: string | undefined; children: string }) => (
  <a href={href} {...(href === now ? { "aria-current": "page" as const } : {})}>
    {children}
  </a>
)

/** The frame of every page: title, navigation, notice and problems. */
export const Layout = ({ children, notice, path, problems = [], refreshTo, script, title, visitor }: Frame): VNode => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{`${problems.length > 0 ? "Error: " : ""}${title} – agent-install`}</title>
      <link rel="stylesheet" href={styleSheet.path} />
      <link rel="icon" href={icon.path} type="image/svg+xml" />
      <script src={pageScript.path} defer />
      {script !== undefined && <script src={script.path} defer />}
      {refreshTo !== undefined && (
        <noscript>
          <meta httpEquiv="refresh" content={`5;url=${refreshTo}`} />
        </noscript>
      )}
    </head>
    <body>
      <header>
        <nav aria-label="Service">
          <a href="/" class="brand">
            agent-install
          </a>
          <NavLink href="/" now={path}>
            Templates
          </NavLink>
          {visitor === undefined ? (
            <>
              <NavLink href="/sign-in" now={path}>
                Sign in
              </NavLink>
              <NavLink href="/sign-up" now={path}>
                Sign up
              </NavLink>
            </>
          ) : (
            <>
              <NavLink href="/agents" now={path}>
                My agents
              </NavLink>
              <NavLink href="/account" now={path}>
                Account
              </NavLink>
              {visitor !== "unknown" && (
                <form method="post" action="/sign-out">
                  <button type="submit" class="link">
                    Sign out
                  </button>
                </form>
              )}
            </>
          )}
        </nav>
      </header>
      <main>
        {problems.length > 0 && <Problems problems={problems} />}
        {notice !== undefined && (
          <div id="done" class="done" role="status" tabIndex={-1}>
            {notice}
          </div>
        )}
        {children}
      </main>
      <footer>
        {visitor !== undefined && visitor !== "unknown" && (
          <p>
            Signed in as <bdi>{visitor.email}</bdi>.
          </p>
        )}
        {visitor !== undefined && visitor !== "unknown" && (
          <p>
            <a href="/publish">For publishers: templates, roll-outs, keys</a>
          </p>
        )}
        <p>
          <a href="/docs">For programs: the HTTP interface</a>
        </p>
      </footer>
    </body>
  </html>
)
