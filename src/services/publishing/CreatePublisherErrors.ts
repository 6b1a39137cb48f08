/* The errors of `Publishers.create`: why a publisher can't be made, for the operator of the service. */

import { Data } from "effect"
import type { Slug } from "../../domain/Ids.ts"

/** Nobody has an account with that e-mail address. */
export class NoSuchAccount extends Data.TaggedError("NoSuchAccount")<{ readonly email: string }> {
  override get message() {
    return `Nobody has an account with the e-mail address ${this.email}. Sign up with it first (/sign-up).`
  }
}

/** The organization of that slug is private. */
export class NotAPublisher extends Data.TaggedError("NotAPublisher")<{ readonly slug: Slug }> {
  override get message() {
    return `The organization "${this.slug}" is private, so it is no publisher. Choose another slug.`
  }
}
