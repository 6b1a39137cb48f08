import type { VNode } from "preact"
import { countries } from "../../domain/identity/Phone.ts"
import { Field } from "../pages/Form.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"

const names = new Intl.DisplayNames("en", { type: "region" })

const named = countries
  .map(({ calling, code }) => ({ code, label: `${names.of(code) ?? code} (+${calling})` }))
  .toSorted((a, b) => a.label.localeCompare(b.label, "en"))

interface PhoneFieldsProps {
  /** The name of the number's field. */
  readonly name: "whatsapp_phone" | "phone"
  readonly label: string
  readonly why: string
  readonly typed: URLSearchParams
  readonly required?: boolean
  readonly problems?: ReadonlyArray<FormProblem> | undefined
}

/** A phone number, and the country of a number without a country code. */
export const PhoneFields = ({ label, name, problems, required = false, typed, why }: PhoneFieldsProps): VNode => {
  const chosen = typed.get("country") ?? ""
  return (
    <>
      <Field
        name={name}
        label={label}
        why={why}
        type="tel"
        autocomplete="tel"
        value={typed.get(name) ?? ""}
        required={required}
        problems={problems}
      />
      <label for="country">Country of the number</label>
      <span class="why" id="country-why">
        Only needed if the number does not begin with + and a country code.
      </span>
      <select id="country" name="country" autocomplete="country" aria-describedby="country-why">
        <option value="">As the number says</option>
        {named.map(({ code, label }) => (
          <option value={code} selected={code === chosen}>
            {label}
          </option>
        ))}
      </select>
    </>
  )
}
