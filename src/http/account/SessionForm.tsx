import type { VNode } from "preact"
import { Field } from "../pages/Form.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"

interface SessionFieldsProps {
  /** Whether to sign up or in. */
  readonly sign: "in" | "up"
  readonly typed: URLSearchParams
  readonly problems?: ReadonlyArray<FormProblem> | undefined
}

/** The fields of a person who signs in or up. */
export const SessionFields = ({ problems, sign, typed }: SessionFieldsProps): VNode => (
  <>
    <input type="hidden" name="sign" value={sign} />
    {sign === "up" && (
      <Field
        name="name"
        label="Your name"
        why="Your organization is named after it."
        value={typed.get("name") ?? ""}
        autocomplete="name"
        required
        problems={problems}
      />
    )}
    <Field
      name="email"
      label="E-mail address"
      why={sign === "up" ? "You sign in with it. It is shown to nobody else." : undefined}
      type="email"
      value={typed.get("email") ?? ""}
      autocomplete="username"
      required
      problems={problems}
    />
    <Field
      name="password"
      label="Password"
      why={sign === "up" ? "8 characters or more." : undefined}
      type="password"
      autocomplete={sign === "up" ? "new-password" : "current-password"}
      required
      problems={problems}
    />
  </>
)
