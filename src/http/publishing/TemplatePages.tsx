import { Effect, Option } from "effect"
import { BrokenRequest, DeprecationRequest } from "../../domain/catalog/Deprecation.ts"
import { UnknownTemplateSlug } from "../../domain/Errors.ts"
import { ResumeRequest, RolloutRequest } from "../../domain/rollout/Rollout.ts"
import {
  deprecateTemplate,
  markRevisionBroken,
  restoreRevision,
  restoreTemplate,
  withdrawTemplate
} from "../../services/publishing/ManageTemplate.ts"
import { listOwnTemplates, listRevisions, viewImpact } from "../../services/publishing/PublishRevision.ts"
import {
  listRollouts,
  resumeRollout,
  startRollout,
  stopRollout,
  viewAdoption
} from "../../services/rollout/ManageRollouts.ts"
import { decode, invalidRequest } from "../Body.ts"
import { answerPage, seeOther } from "../pages/AnswerPage.ts"
import { type Notice, noticeOf, withNotice } from "../pages/Notice.ts"
import { type FormVisit, form, page, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { problemsOf, publisherAt } from "./PublisherPages.tsx"
import { type ShownImpact, TemplatePage } from "./TemplatePage.tsx"

/** How long somebody waits for the impact of a revision. */
const patience = "20 seconds"

const nothing = new URLSearchParams()

const draw = (visit: Visit, typed = nothing, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.gen(function* () {
    const { call, path: above, publisher } = yield* publisherAt(visit)
    const slug = visit.part("template")
    const ofTemplate = { ...call, template: slug }
    const template = (yield* listOwnTemplates(call)).find((one) => one.slug === slug)
    if (template === undefined) return yield* new UnknownTemplateSlug({ slug })
    const before = visit.query.get("before") ?? ""
    const query = Effect.succeed(/^[1-9]\d{0,8}$/.test(before) ? { before: Number(before) } : {})
    const wantsImpact = visit.query.get("impact") === "newest"
    const impact = wantsImpact
      ? yield* viewImpact(ofTemplate, template.revision).pipe(
          Effect.timeoutOption(patience),
          Effect.map(Option.getOrElse((): ShownImpact => "too many"))
        )
      : undefined
    return yield* answerPage(
      <TemplatePage
        visitor={visit.visitor}
        notice={noticeOf(visit.query)}
        publisher={publisher}
        template={template}
        path={`${above}/templates/${slug}`}
        page={yield* listRevisions({ ...ofTemplate, query })}
        adoption={yield* viewAdoption(ofTemplate)}
        rollouts={(yield* listRollouts({ ...ofTemplate, query: Effect.succeed({ limit: 20 }) })).rollouts}
        impact={impact}
        typed={typed}
        problems={problems}
      />,
      { status: problems.length === 0 ? 200 : 422 }
    )
  })

const of = ({ credential, part }: Visit) => ({ credential, slug: part("publisher"), template: part("template") })

const pathOf = ({ part }: Visit): `/${string}` =>
  `/publish/${encodeURIComponent(part("publisher"))}/templates/${encodeURIComponent(part("template"))}`

const done = (visit: Visit, notice: Notice) => seeOther(withNotice(pathOf(visit), notice))

const textOf = (visit: FormVisit, name: string) => (visit.form.get(name) ?? "").trim()

const revisionIn = (text: string) =>
  /^[1-9]\d{0,8}$/.test(text)
    ? Effect.succeed(Number(text))
    : invalidRequest([{ path: ["revision"], message: "must be the number of a revision" }])

const drawInvalid = (visit: FormVisit, fields: Readonly<Record<string, string>>) => ({
  InvalidRequest: (error: Parameters<typeof problemsOf>[0]) => draw(visit, visit.form, problemsOf(error, fields))
})

const start = (visit: FormVisit) => {
  const percentages = textOf(visit, "waves")
    .split(",")
    .map((one) => Number(one.trim().replace(/\s*%$/, "")))
  const stopAbove = Number(textOf(visit, "stop_above").replace(/\s*%$/, "")) / 100
  return startRollout({
    ...of(visit),
    body: decode(RolloutRequest)({
      revision: Number(visit.form.get("revision")),
      waves: percentages,
      advance: visit.form.get("manual") === "yes" ? "manual" : "automatic",
      stopAbove
    })
  }).pipe(
    Effect.as(done(visit, "rollout-started")),
    Effect.catchTags(drawInvalid(visit, { waves: "waves", stopAbove: "stop_above" }))
  )
}

const change = (visit: FormVisit) => {
  const call = { ...of(visit), rolloutId: visit.part("id") }
  const wanted = visit.form.get("do")
  if (wanted === "pause") return Effect.as(stopRollout("pause", call), done(visit, "rollout-paused"))
  if (wanted === "cancel") return Effect.as(stopRollout("cancel", call), done(visit, "rollout-cancelled"))
  const revision = textOf(visit, "revision")
  const body = decode(ResumeRequest)(revision === "" ? {} : { revision: Number(revision) })
  return Effect.as(resumeRollout({ ...call, body }), done(visit, "rollout-resumed"))
}

const deprecation = (visit: FormVisit) => {
  if (visit.form.get("do") === "restore") return Effect.as(restoreTemplate(of(visit)), done(visit, "template-restored"))
  const successor = textOf(visit, "successor")
  const body = decode(DeprecationRequest)({
    reason: textOf(visit, "deprecation_reason"),
    ...(successor === "" ? {} : { successor })
  })
  return deprecateTemplate({ ...of(visit), body }).pipe(
    Effect.as(done(visit, "template-deprecated")),
    Effect.catchTags({
      ...drawInvalid(visit, { reason: "deprecation_reason", successor: "successor" }),
      UnknownTemplateSlug: (error) =>
        error.slug === successor
          ? draw(visit, visit.form, [{ field: "successor", message: `There is no template ${successor} to install.` }])
          : error
    })
  )
}

const withdrawal = (visit: FormVisit) =>
  textOf(visit, "withdraw") === visit.part("template")
    ? Effect.as(
        withdrawTemplate(of(visit)),
        seeOther(withNotice(`/publish/${encodeURIComponent(visit.part("publisher"))}`, "template-withdrawn"))
      )
    : draw(visit, visit.form, [
        { field: "withdraw", message: "This is not the name of the template. Nothing was withdrawn." }
      ])

/** A template, as its publisher sees it and acts on it. */
export const templatePages = [
  page("/publish/:publisher/templates/:template", (visit) => draw(visit)),
  form("/publish/:publisher/templates/:template/rollouts", start),
  form("/publish/:publisher/templates/:template/rollouts/:id", change),
  form("/publish/:publisher/templates/:template/deprecation", deprecation),
  form("/publish/:publisher/templates/:template/withdrawal", withdrawal),
  form("/publish/:publisher/templates/:template/revisions", (visit) =>
    markRevisionBroken({
      ...of(visit),
      revision: revisionIn(textOf(visit, "revision")),
      body: decode(BrokenRequest)({ reason: textOf(visit, "broken_reason") })
    }).pipe(
      Effect.as(done(visit, "revision-broken")),
      Effect.catchTags(drawInvalid(visit, { reason: "broken_reason" }))
    )
  ),
  form("/publish/:publisher/templates/:template/revisions/:revision", (visit) =>
    Effect.as(
      restoreRevision({ ...of(visit), revision: revisionIn(visit.part("revision")) }),
      done(visit, "revision-restored")
    )
  )
]
