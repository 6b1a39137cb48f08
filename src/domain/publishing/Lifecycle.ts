import { Either } from "effect"
import type { Deprecation, DeprecationRequest } from "../catalog/Deprecation.ts"
import { InvalidRequest, TemplateInUse, UnknownTemplateSlug } from "../Errors.ts"

/** What a template's deprecation says from now on. `isOffered` says whether the successor is a template that anybody can install. */
export const deprecationOf = (
  slug: string,
  { reason, successor }: DeprecationRequest,
  isOffered: boolean
): Either.Either<Deprecation, InvalidRequest | UnknownTemplateSlug> => {
  if (successor === undefined) return Either.right({ reason, successor: null })
  if (successor === slug) {
    const message = "names the template itself; name another, or leave it out"
    return Either.left(new InvalidRequest({ issues: [{ path: "successor", message }] }))
  }
  return isOffered ? Either.right({ reason, successor }) : Either.left(new UnknownTemplateSlug({ slug: successor }))
}

/** Whether a template may be withdrawn for good: only where nobody has it installed. */
export const mayWithdraw = (installations: number): Either.Either<void, TemplateInUse> =>
  installations === 0 ? Either.right(undefined) : Either.left(new TemplateInUse({ installations }))
