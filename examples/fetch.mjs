/* The same without Effect: sign up or in, plan, install. Runs as `node fetch.mjs http://localhost:3000 ada@example.org PASSWORD`. */

const post = async (url, body, token) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body)
  })
  return { response, body: await response.json() }
}

/** A session's token: of the account that there is, else of a new one. */
export const signIn = async (service, email, password) => {
  const known = await post(`${service}/api/auth/sign-in/email`, { email, password })
  const { response } = known.response.ok
    ? known
    : await post(`${service}/api/auth/sign-up/email`, { name: email.split("@")[0], email, password })
  const token = response.headers.get("set-auth-token")
  if (token === null) throw new Error(`Nobody is signed in: ${response.status}`)
  return token
}

/** Installs a template exactly as its plan says; tries again with a new plan where something changed in between. */
export const install = async (service, token, slug, tries = 3) => {
  const plan = await post(`${service}/api/install/plan`, { slug }, token)
  if (!plan.response.ok) throw new Error(plan.body.detail)
  const { body, response } = await post(`${service}/api/install`, { slug, expectedPlan: plan.body.planHash }, token)
  if (response.ok) return body
  // `error` is what programs branch on; `detail` says it to people.
  if (body.error === "plan_stale" && tries > 1) return install(service, token, slug, tries - 1)
  if (body.error === "rate_limited") throw new Error(`Try again in ${response.headers.get("retry-after")} seconds`)
  throw new Error(body.detail)
}

const [, program = "", service, email, password] = process.argv
if (program.endsWith("fetch.mjs")) {
  const token = await signIn(service, email, password)
  process.stdout.write(`${JSON.stringify(await install(service, token, "personal-finance"), null, 2)}\n`)
}
