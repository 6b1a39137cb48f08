/*
 * What somebody writes with each of the generated clients: the names of the operations, and the types of what they send and get.
 */

import { getSession, installTemplate, listAgents, signUp } from "./generated/hey-api/sdk.gen"
import type { InstallTemplateData, SignUpData } from "./generated/hey-api/types.gen"
import type { components, operations } from "./generated/openapi-typescript"
import * as orval from "./generated/orval"

type Install = components["schemas"]["InstallRequest"]
export const bySlug: Install = { slug: "personal-finance" }
export const byId: Install = { templateAgentId: "b2f1" }
// @ts-expect-error: one of both has to name a template
export const byNeither: Install = { name: "Money" }
// @ts-expect-error: a limit is a number
export const page: operations["listAgents"]["parameters"]["query"] = { limit: "20" }
export const created: operations["installTemplate"]["responses"][200]["content"]["application/json"]["created"] = true

export const heyInstall: InstallTemplateData["body"] = bySlug
export const heySignUp: SignUpData["body"] = { name: "Ada", email: "ada@example.org", password: "battery horse" }
export const hey = async () => {
  await signUp({ body: heySignUp })
  await installTemplate({ body: heyInstall })
  const { data } = await listAgents({ query: { limit: 20 } })
  return [data?.agents[0]?.template.slug, (await getSession()).data]
}

export const byOrval = async () => {
  await orval.signUp(heySignUp)
  const installed = await orval.installTemplate({ slug: "personal-finance" })
  return installed.status === 200 ? installed.data.agentId : undefined
}
