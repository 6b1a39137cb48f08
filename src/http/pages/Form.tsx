import type { ComponentChildren, VNode } from "preact"
import type { FormProblem } from "./ReadForm.ts"

/** The problems of a form, at the top of the page: the list has the focus and links to the fields. */
export const Problems = ({ problems }: { problems: ReadonlyArray<FormProblem> }): VNode => (
  <div id="problem" class="problem" role="alert" tabIndex={-1} autofocus>
    <h2>There is a problem</h2>
    <ul>
      {problems.map(({ field, message }) => (
        <li>{field === undefined ? message : <a href={`#${field}`}>{message}</a>}</li>
      ))}
    </ul>
  </div>
)

type FieldType = "text" | "email" | "password" | "tel" | "search"

interface InputProps {
  readonly id: string
  readonly name: string
  readonly value?: string
  readonly autocomplete?: string
  readonly required: boolean
  readonly dir?: "auto"
  readonly "aria-describedby"?: string
  readonly "aria-invalid"?: "true"
}

// Each type of input has roles of its own, so the types of the element require a literal here.
const Input = ({ type, ...rest }: InputProps & { readonly type: FieldType }): VNode => {
  switch (type) {
    case "text":
      return <input type="text" {...rest} />
    case "email":
      return <input type="email" {...rest} />
    case "password":
      return <input type="password" {...rest} />
    case "tel":
      return <input type="tel" {...rest} />
    case "search":
      return <input type="search" {...rest} />
  }
}

interface FieldProps {
  readonly name: string
  readonly label: string
  /** Why the field is there, or what it is for. */
  readonly why?: ComponentChildren
  readonly value?: string | undefined
  readonly type?: FieldType
  readonly autocomplete?: string
  readonly required?: boolean
  readonly problems?: ReadonlyArray<FormProblem> | undefined
}

type Aria = Pick<InputProps, "aria-describedby" | "aria-invalid">

/** A field between its label, its reason and what is wrong with it, and what says so to a screen reader. */
const Labelled = ({
  field,
  label,
  name,
  problems = [],
  why
}: Pick<FieldProps, "label" | "name" | "problems" | "why"> & { readonly field: (aria: Aria) => VNode }): VNode => {
  const wrong = problems.find((problem) => problem.field === name)
  const described = [why === undefined ? "" : `${name}-why`, wrong === undefined ? "" : `${name}-wrong`]
    .filter((id) => id !== "")
    .join(" ")
  return (
    <div>
      <label for={name}>{label}</label>
      {why !== undefined && (
        <span class="why" id={`${name}-why`}>
          {why}
        </span>
      )}
      {wrong !== undefined && (
        <span class="wrong" id={`${name}-wrong`}>
          {wrong.message}
        </span>
      )}
      {field({
        ...(described === "" ? {} : { "aria-describedby": described }),
        ...(wrong === undefined ? {} : { "aria-invalid": "true" as const })
      })}
    </div>
  )
}

/** A field with its label, its reason, and what is wrong with its value. */
export const Field = ({ autocomplete, required = false, type = "text", value, ...labels }: FieldProps): VNode => (
  <Labelled
    {...labels}
    field={(aria) => (
      <Input
        id={labels.name}
        name={labels.name}
        type={type}
        {...(value === undefined || type === "password" ? {} : { value })}
        {...(autocomplete === undefined ? {} : { autocomplete })}
        {...aria}
        required={required}
        {...(type === "text" || type === "search" ? { dir: "auto" as const } : {})}
      />
    )}
  />
)

/** As a field, for text of several lines. */
export const Area = ({
  value,
  ...labels
}: Pick<FieldProps, "label" | "name" | "problems" | "why"> & { readonly value: string }): VNode => (
  <Labelled
    {...labels}
    field={(aria) => (
      <textarea
        id={labels.name}
        name={labels.name}
        rows={Math.min(20, Math.max(3, value.split("\n").length))}
        dir="auto"
        {...aria}
      >
        {/* The first line break is no part of the text. */}
        {`\n${value}`}
      </textarea>
    )}
  />
)

/** The hidden user name of a password form, so that password managers offer and save the right one. */
export const Username = ({ email }: { email: string }): VNode => (
  <input type="text" name="username" value={email} autocomplete="username" aria-label="Account" readOnly hidden />
)

/** Values that were typed before, sent again. */
export const Hidden = ({ fields }: { fields: Iterable<readonly [name: string, value: string]> }): VNode => (
  <>
    {[...fields].map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
  </>
)

interface ActionProps {
  readonly action: string
  readonly label: string
  readonly fields?: Readonly<Record<string, string>>
  readonly class?: "plain" | "grave"
}

/** A form with a single button. */
export const Action = ({ action, fields = {}, label, class: kind }: ActionProps): VNode => (
  <form method="post" action={action}>
    <Hidden fields={Object.entries(fields)} />
    <button type="submit" {...(kind === undefined ? {} : { class: kind })}>
      {label}
    </button>
  </form>
)
