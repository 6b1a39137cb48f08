import { Effect, Option } from "effect"
import { KeyRequest } from "../../domain/account/ApiKey.ts"
import { type InvalidRequest, PublisherNotFound } from "../../domain/Errors.ts"
import { InvitationRequest, JoinRequest, RoleRequest } from "../../domain/publishing/Publisher.ts"
import {
  createKey,
  deleteKey,
  inviteMember,
  joinPublisher,
  listKeys,
  listMembers,
  listPublishers,
  removeMember,
  setRole,
  withdrawInvitation
} from "../../services/publishing/ManagePublisher.ts"
import { listOwnTemplates } from "../../services/publishing/PublishRevision.ts"
import { decode } from "../Body.ts"
import { answerPage, seeOther } from "../pages/AnswerPage.ts"
import { noticeOf, withNotice } from "../pages/Notice.ts"
import { form, page, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { PublisherPage, PublishersPage } from "./PublisherPage.tsx"
import { forgetMade, rememberedMade, rememberMade } from "./ShownOnce.ts"

/** What is wrong with a form, with the fields by the names they have on the page. */
export const problemsOf = (
  { issues }: InvalidRequest,
  fields: Readonly<Record<string, string>>
): ReadonlyArray<FormProblem> =>
  issues.map(({ message, path }) => {
    const [member = ""] = path.split(".")
    const field = fields[member]
    return field === undefined ? { message } : { field, message }
  })

/** The publisher of the address, as the visitor belongs to it. */
export const publisherAt = ({ credential, part }: Visit) =>
  Effect.gen(function* () {
    const slug = part("publisher")
    const publisher = (yield* listPublishers(credential)).find((one) => one.slug === slug)
    const path: `/${string}` = `/publish/${slug}`
    return publisher === undefined
      ? yield* new PublisherNotFound({ slug })
      : { publisher, path, call: { credential, slug } }
  })

const drawAll = ({ credential, query, visitor }: Visit, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.flatMap(listPublishers(credential), (publishers) =>
    answerPage(
      <PublishersPage visitor={visitor} notice={noticeOf(query)} publishers={publishers} problems={problems} />,
      { status: problems.length === 0 ? 200 : 422 }
    )
  )

const draw = (visit: Visit, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.gen(function* () {
    const { call, path, publisher } = yield* publisherAt(visit)
    const made = Option.getOrUndefined(rememberedMade(visit.request))
    const answer = yield* answerPage(
      <PublisherPage
        visitor={visit.visitor}
        notice={noticeOf(visit.query)}
        publisher={publisher}
        templates={yield* listOwnTemplates(call)}
        keys={publisher.role === "member" ? undefined : yield* listKeys(call)}
        people={yield* listMembers(call)}
        made={made}
        problems={problems}
      />,
      { status: problems.length === 0 ? 200 : 422, compress: made === undefined }
    )
    return made === undefined ? answer : forgetMade(answer, path)
  })

const at = ({ credential, part }: Visit) => ({ credential, slug: part("publisher") })
const pathOf = ({ part }: Visit): `/${string}` => `/publish/${encodeURIComponent(part("publisher"))}`

/** Publishers, and what one consists of. */
export const publisherPages = [
  page("/publish", (visit) => drawAll(visit)),
  form("/publish/join", (visit) =>
    Effect.gen(function* () {
      const body = decode(JoinRequest)({ token: (visit.form.get("token") ?? "").trim() })
      const { slug } = yield* joinPublisher({ credential: visit.credential, body })
      return seeOther(withNotice(`/publish/${slug}`, "joined"))
    }).pipe(
      Effect.catchTags({
        InvalidRequest: (error) => drawAll(visit, problemsOf(error, { token: "token" })),
        InvitationNotFound: ({ message }) => drawAll(visit, [{ field: "token", message }])
      })
    )
  ),
  page("/publish/:publisher", (visit) => draw(visit)),
  form("/publish/:publisher/keys", (visit) =>
    Effect.gen(function* () {
      const scope = visit.form.get("scope") === "read" ? "read" : "publish"
      const body = decode(KeyRequest)({ name: visit.form.get("key_name") ?? "", scopes: [scope] })
      const { key } = yield* createKey({ ...at(visit), body })
      return rememberMade(seeOther(`${pathOf(visit)}#made`), pathOf(visit), { what: "key", secret: key })
    }).pipe(Effect.catchTag("InvalidRequest", (error) => draw(visit, problemsOf(error, { name: "key_name" }))))
  ),
  form("/publish/:publisher/keys/:id", (visit) =>
    Effect.as(deleteKey(at(visit), visit.part("id")), seeOther(withNotice(pathOf(visit), "key-deleted")))
  ),
  form("/publish/:publisher/invitations", (visit) =>
    Effect.gen(function* () {
      const body = decode(InvitationRequest)({
        email: (visit.form.get("email") ?? "").trim(),
        role: visit.form.get("role") ?? ""
      })
      const { token } = yield* inviteMember({ ...at(visit), body })
      return rememberMade(seeOther(`${pathOf(visit)}#made`), pathOf(visit), { what: "invitation", secret: token })
    }).pipe(Effect.catchTag("InvalidRequest", (error) => draw(visit, problemsOf(error, { email: "email" }))))
  ),
  form("/publish/:publisher/invitations/:id", (visit) =>
    Effect.as(
      withdrawInvitation(at(visit), visit.part("id")),
      seeOther(withNotice(pathOf(visit), "invitation-withdrawn"))
    )
  ),
  form("/publish/:publisher/members/:id", (visit) =>
    Effect.gen(function* () {
      const role = visit.form.get("role") ?? ""
      const isLeaving = role === "none"
      yield* isLeaving
        ? removeMember(at(visit), visit.part("id"))
        : setRole({ ...at(visit), body: decode(RoleRequest)({ role }) }, visit.part("id"))
      const isSelf = visit.part("id") === visit.visitor?.userId
      return isLeaving && isSelf
        ? seeOther(withNotice("/publish", "left"))
        : seeOther(withNotice(pathOf(visit), isLeaving ? "member-removed" : "member-changed"))
    })
  )
]
