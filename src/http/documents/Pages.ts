import { createHash } from "node:crypto"
import { errorGuide } from "../../domain/ErrorGuide.ts"
import { refusals } from "../../domain/Errors.ts"
import { type Content, type Document, exampleProblem, type JsonSchema, nameOf, type Operation } from "./Document.ts"

/** A page, and the Content-Security-Policy under which it works: its own style and script, and nothing from elsewhere. */
export interface Page {
  readonly html: string
  readonly policy: string
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}
const escaped = (text: unknown) => String(text).replace(/[&<>"']/g, (character) => entities[character] ?? "")

const style = `
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 20%,transparent);--soft:color-mix(in srgb,currentColor 6%,transparent)}
body{background:canvas;color:canvastext;font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin:0;overflow-wrap:anywhere}h3{font-size:1rem;margin:1rem 0 .25rem}
section{border-top:1px solid var(--line);padding:1rem 0}
code,pre{font:.875em/1.45 ui-monospace,monospace}code{overflow-wrap:anywhere}pre{background:var(--soft);padding:.75rem;margin:.25rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line)}
input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.25rem 0 1rem}
nav ul{columns:18rem;padding-left:1.2rem}nav a{overflow-wrap:anywhere}summary{cursor:pointer}.method{font-weight:700}
@media(max-width:40rem){thead{display:none}tr,td{display:block}tr{border-bottom:1px solid var(--line);padding:.5rem 0}td{border:0;padding:0}}
`

// Hides every part that lacks one of the words, with its place in the contents, until a link leads to it; without it the page
// is whole, and the browser's own search serves.
const script = `
const field=document.querySelector("input"),found=document.querySelector("#found"),entries=[...document.querySelectorAll("nav a")]
const partOf=(link)=>document.getElementById(link.hash.slice(1))
const search=()=>{const words=field.value.toLowerCase().split(/\\s+/).filter(Boolean);let shown=0
for(const entry of entries){const part=partOf(entry),hit=words.every((word)=>part.textContent.toLowerCase().includes(word));part.hidden=entry.parentNode.hidden=!hit;if(hit)shown++}
found.textContent=words.length>0?shown+" of "+entries.length+" parts have "+(words.length>1?"all of these words.":"this word."):""}
document.querySelector("#search").hidden=false
field.addEventListener("input",search)
document.addEventListener("click",({target})=>{const link=target.closest('a[href^="#"]');if(link&&partOf(link)?.hidden){field.value="";search()}})
`

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

const policy = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

interface Part {
  readonly id: string
  readonly heading: string
  readonly html: string
}

const page = (title: string, lead: string, parts: ReadonlyArray<Part>): Page => ({
  policy,
  html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
${lead}
<div id="search" hidden><label>Search <input type="search" autocomplete="off"></label><p id="found" role="status"></p></div>
<nav aria-label="Contents"><ul>
${parts.map(({ heading, id }) => `<li><a href="#${escaped(id)}">${heading}</a></li>`).join("\n")}
</ul></nav>
</header>
<main>
${parts.map(({ heading, html, id }) => `<section id="${escaped(id)}">\n<h2>${heading}</h2>\n${html}\n</section>`).join("\n")}
</main>
<script>${script}</script>
</body>
</html>
`
})

const json = (value: unknown) => `<pre>${escaped(JSON.stringify(value, null, 2))}</pre>`

/** The page that every problem's `type` points into: each error with its code as the anchor. */
export const errorsPage = (): Page =>
  page(
    "Errors of agent-install",
    `<p>Every refusal is <code>application/problem+json</code> (RFC 9457). Branch on <code>error</code>; <code>detail</code> and
<code>message</code> are for people; <code>instance</code> is the id under which the log knows the request. The routes are
in <a href="/docs">the documentation</a>.</p>`,
    refusals.map(({ _tag, code, status, title }) => {
      const { example, remedy, when } = errorGuide[_tag]
      return {
        id: code,
        heading: `<code>${code}</code> ${escaped(title)}`,
        html: `<p>Status ${status}.</p>
<h3>When</h3>
<p>${escaped(when)}</p>
<h3>What to do</h3>
<p>${escaped(remedy)}</p>
<details><summary>Example</summary>${json(exampleProblem(example))}</details>`
      }
    })
  )

const table = (columns: ReadonlyArray<string>, rows: ReadonlyArray<string>) =>
  `<table><thead><tr>${columns.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`

const link = (name: string) => `<a href="#schema-${escaped(name)}">${escaped(name)}</a>`

const typeOf = (schema: JsonSchema): string => {
  if (schema.$ref !== undefined) return link(nameOf(schema))
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(" or ")
  if (schema.enum !== undefined)
    return schema.enum.map((value) => `<code>${escaped(JSON.stringify(value))}</code>`).join(" or ")
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`
  const limits = [
    schema.minLength === undefined ? "" : `from ${schema.minLength} characters`,
    schema.maxLength === undefined ? "" : `up to ${schema.maxLength} characters`,
    schema.minimum === undefined ? "" : `from ${schema.minimum}`,
    schema.maximum === undefined ? "" : `up to ${schema.maximum}`,
    schema.pattern === undefined ? "" : `<code>${escaped(schema.pattern)}</code>`
  ].filter((limit) => limit !== "")
  return [escaped(schema.type ?? "anything"), ...limits].join(", ")
}

/** The fields of an object, those of objects inside under dotted names. */
const fieldsOf = (schema: JsonSchema, prefix = ""): ReadonlyArray<string> =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`
    const needed = schema.required?.includes(name) === true ? "" : " (optional)"
    const inner = field.items?.properties === undefined ? field : field.items
    const row = `<tr><td><code>${escaped(path)}</code>${needed}</td><td>${typeOf(field)}</td><td>${escaped(field.description ?? "")}</td></tr>`
    return [row, ...fieldsOf(inner, inner === field ? `${path}.` : `${path}[].`)]
  })

const fields = (schema: JsonSchema) => {
  const rows = fieldsOf(schema)
  return rows.length === 0
    ? `<p>${typeOf(schema)}. ${escaped(schema.description ?? "")}</p>`
    : table(["field", "type", "meaning"], rows)
}

const bodyOf = (content: Content | undefined) =>
  Object.entries(content ?? {})
    .map(([mediaType, { example, examples = {}, schema }]) => {
      const all = [
        ...(example === undefined ? [] : [["Example", example] as const]),
        ...Object.entries(examples).map(([code, { value }]) => [code, value] as const)
      ]
      const shown = all.map(
        ([name, value]) =>
          `<details><summary>${escaped(name)}</summary>${typeof value === "string" ? `<pre>${escaped(value)}</pre>` : json(value)}</details>`
      )
      return `<p><code>${escaped(mediaType)}</code>: ${typeOf(schema)}</p>${shown.join("")}`
    })
    .join("")

const securityOf = ({ security = [] }: Operation) => {
  const names = security.flatMap((one) => Object.keys(one))
  return names.length === 0
    ? "Public."
    : `Needs one of: ${names.map((name) => `<a href="#security-${name}">${name}</a>`).join(", ")}.`
}

const operationPart = (method: string, path: string, operation: Operation): Part => ({
  id: operation.operationId,
  heading: `<span class="method">${method.toUpperCase()}</span> <code>${escaped(path)}</code>`,
  html: [
    `<p><strong>${escaped(operation.summary ?? "")}</strong></p>`,
    `<p>${escaped(operation.description ?? "")} ${securityOf(operation)}</p>`,
    (operation.parameters ?? []).length === 0
      ? ""
      : `<h3>Parameters</h3>${table(
          ["parameter", "type", "meaning"],
          (operation.parameters ?? []).map(
            ({ description = "", in: place, name, schema }) =>
              `<tr><td><code>${escaped(name)}</code> in ${escaped(place)}</td><td>${typeOf(schema)}</td><td>${escaped(description)}</td></tr>`
          )
        )}`,
    operation.requestBody === undefined ? "" : `<h3>Request</h3>${bodyOf(operation.requestBody.content)}`,
    "<h3>Answers</h3>",
    ...Object.entries(operation.responses).map(
      ([status, { content, description, headers = {} }]) =>
        `<details><summary>${escaped(status)} ${escaped(description)}</summary>${bodyOf(content)}<p>Header fields: ${Object.keys(
          headers
        )
          .map((name) => `<code>${escaped(name)}</code>`)
          .join(", ")}</p></details>`
    )
  ].join("\n")
})

/** The OpenAPI document as a page to read and to search. */
export const apiPage = (document: Document): Page => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationPart(method, path, operation))
  )
  const securities = Object.entries(document.components.securitySchemes ?? {}).map(
    ([name, scheme]): Part => ({
      id: `security-${name}`,
      heading: `Security: ${escaped(name)}`,
      html: `<p>${escaped(scheme.description ?? "")}</p>`
    })
  )
  const headers: Part = {
    id: "headers",
    heading: "Header fields of answers",
    html: table(
      ["field", "meaning"],
      Object.entries(document.components.headers ?? {}).map(
        ([name, { description }]) => `<tr><td><code>${escaped(name)}</code></td><td>${escaped(description)}</td></tr>`
      )
    )
  }
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]): Part => ({ id: `schema-${name}`, heading: `Schema: ${escaped(name)}`, html: fields(schema) })
  )
  return page(
    `${document.info.title} ${document.info.version}`,
    `<p>${escaped(document.info.description ?? "")}</p>
<p>The same for programs: <a href="/openapi.json">openapi.json</a>. The errors: <a href="/docs/errors">/docs/errors</a>.</p>`,
    [...operations, ...securities, headers, ...schemas]
  )
}
