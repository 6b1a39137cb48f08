import type { VNode } from "preact"
import { Hidden } from "../pages/Form.tsx"
import { Layout } from "../pages/Layout.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { SessionFields } from "./SessionForm.tsx"

interface GoOnProps {
  readonly action: string
  readonly typed: URLSearchParams
  readonly problems: ReadonlyArray<FormProblem>
}

const asked = new Set(["sign", "name", "email", "password"])

/** Asks a person whose session has ended to sign in, and then goes on with their form. */
export const GoOnPage = ({ action, problems, typed }: GoOnProps): VNode => (
  <Layout title="Sign in to go on" problems={problems}>
    <h1>Sign in to go on</h1>
    <p>
      You are not signed in any more. Nothing has been done yet, and nothing you typed is lost: sign in, and you
      continue where you were.
    </p>
    <form method="post" action={`${action}#problem`}>
      {/* Never the password of a form that asked for one. */}
      <Hidden fields={[...typed].filter(([name]) => !asked.has(name) && !/password/i.test(name))} />
      <SessionFields sign="in" typed={typed} problems={problems} />
      <button type="submit">Sign in and go on</button>
    </form>
  </Layout>
)
