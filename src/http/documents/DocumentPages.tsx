import type { ComponentChildren, VNode } from "preact"
import { errorGuide } from "../../domain/ErrorGuide.ts"
import { refusals } from "../../domain/Errors.ts"
import { pageText } from "../pages/AnswerPage.ts"
import { searchScript, tryScript } from "../pages/Assets.ts"
import { Layout } from "../pages/Layout.tsx"
import {
  type Content,
  type Document,
  exampleProblem,
  type JsonSchema,
  type Media,
  nameOf,
  type Operation
} from "./Document.ts"

interface Part {
  readonly id: string
  readonly heading: ComponentChildren
  readonly body: ComponentChildren
}

interface ReferenceProps {
  readonly title: string
  readonly lead: ComponentChildren
  readonly parts: ReadonlyArray<Part>
}

const Search = (): VNode => (
  <div id="search" hidden>
    <label for="words">Search</label>
    <input id="words" type="search" autocomplete="off" />
    <p id="found" role="status" />
  </div>
)

/** A reference page: parts with a table of contents and, with JavaScript, a search. */
const Reference = ({ lead, parts, title }: ReferenceProps): VNode => (
  <Layout title={title} path="/docs" visitor="unknown" script={searchScript}>
    <h1>{title}</h1>
    {lead}
    <Search />
    <nav aria-label="Contents" class="contents">
      <ul>
        {parts.map(({ heading, id }) => (
          <li>
            <a href={`#${id}`}>{heading}</a>
          </li>
        ))}
      </ul>
    </nav>
    {parts.map(({ body, heading, id }) => (
      <section id={id} class="part">
        <h2>{heading}</h2>
        {body}
      </section>
    ))}
  </Layout>
)

const Json = ({ value }: { value: unknown }): VNode => <pre>{JSON.stringify(value, null, 2)}</pre>

/** The page that every problem's `type` points to: each error, with its code as the anchor. */
export const errorsPage = (): string =>
  pageText(
    <Reference
      title="Errors of agent-install"
      lead={
        <p>
          Every refusal is <code>application/problem+json</code> (RFC 9457). Branch on <code>error</code>;{" "}
          <code>detail</code> and <code>message</code> are for people; <code>instance</code> is the id under which the
          log knows the request. The routes are in <a href="/docs">the documentation</a>.
        </p>
      }
      parts={refusals.map(({ _tag, code, status, title }): Part => {
        const { example, remedy, when } = errorGuide[_tag]
        return {
          id: code,
          heading: (
            <>
              <code>{code}</code> {title}
            </>
          ),
          body: (
            <>
              <p>Status {status}.</p>
              <h3>When</h3>
              <p>{when}</p>
              <h3>What to do</h3>
              <p>{remedy}</p>
              <details>
                <summary>Example</summary>
                <Json value={exampleProblem(example)} />
              </details>
            </>
          )
        }
      })}
    />
  )

const Table = ({ children, columns }: { columns: ReadonlyArray<string>; children: ComponentChildren }): VNode => (
  <table>
    <thead>
      <tr>
        {columns.map((name) => (
          <th scope="col">{name}</th>
        ))}
      </tr>
    </thead>
    <tbody>{children}</tbody>
  </table>
)

const listed = (items: ReadonlyArray<ComponentChildren>, between: string) =>
  items.map((item, at) => (
    <>
      {at > 0 && between}
      {item}
    </>
  ))

/** The code of an error, by the name of its schema. */
const codeOfRefusal = (name: string) => refusals.find(({ _tag }) => _tag === name)?.code

const Type = ({ schema }: { schema: JsonSchema }): VNode => {
  const { items, maximum, maxLength, minimum, minLength, pattern, type = "anything" } = schema
  if (schema.$ref !== undefined) {
    const name = nameOf(schema)
    const code = codeOfRefusal(name)
    return <a href={code === undefined ? `#schema-${name}` : `/docs/errors#${code}`}>{code ?? name}</a>
  }
  const anyOf = schema.anyOf ?? schema.oneOf
  const values = "const" in schema ? [schema.const] : schema.enum
  if (anyOf !== undefined) {
    return (
      <>
        {listed(
          anyOf.map((one) => <Type schema={one} />),
          " or "
        )}
      </>
    )
  }
  if (values !== undefined) {
    return (
      <>
        {listed(
          values.map((value) => <code>{JSON.stringify(value)}</code>),
          " or "
        )}
      </>
    )
  }
  if (items !== undefined) {
    return (
      <>
        list of <Type schema={items} />
      </>
    )
  }
  return (
    <>
      {listed(
        [
          type,
          minLength !== undefined && `from ${minLength} characters`,
          maxLength !== undefined && `up to ${maxLength} characters`,
          minimum !== undefined && `from ${minimum}`,
          maximum !== undefined && `up to ${maximum}`,
          pattern !== undefined && <code>{pattern}</code>
        ].filter((part) => part !== false),
        ", "
      )}
    </>
  )
}

/** The fields of an object; fields of nested objects have dotted names. */
const fieldsOf = (schema: JsonSchema, prefix = ""): ReadonlyArray<VNode> =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`
    const inner = field.items?.properties === undefined ? field : field.items
    const row = (
      <tr>
        <td>
          <code>{path}</code>
          {schema.required?.includes(name) !== true && " (optional)"}
        </td>
        <td>
          <Type schema={field} />
        </td>
        <td>{field.description ?? ""}</td>
      </tr>
    )
    return [row, ...fieldsOf(inner, inner === field ? `${path}.` : `${path}[].`)]
  })

const Fields = ({ schema }: { schema: JsonSchema }): VNode => {
  if (schema.oneOf?.every(({ properties }) => properties !== undefined) === true) {
    return (
      <>
        {schema.oneOf.map((one) => (
          <>
            <h3>{one.title}</h3>
            <Fields schema={one} />
          </>
        ))}
      </>
    )
  }
  const rows = fieldsOf(schema)
  return rows.length === 0 ? (
    <p>
      <Type schema={schema} />. {schema.description ?? ""}
    </p>
  ) : (
    <Table columns={["field", "type", "meaning"]}>{rows}</Table>
  )
}

const Examples = ({ media: { example, examples = {} } }: { media: Media }): VNode => (
  <>
    {[
      ...(example === undefined ? [] : [["Example", example] as const]),
      ...Object.entries(examples).map(([code, { value }]) => [code, value] as const)
    ].map(([name, value]) => (
      <details>
        <summary>{name}</summary>
        {typeof value === "string" ? <pre>{value}</pre> : <Json value={value} />}
      </details>
    ))}
  </>
)

type Schemas = Document["components"]["schemas"]

/** A body, with the fields of its schema beside it. */
const Body = ({ content = {}, schemas }: { content: Content | undefined; schemas: Schemas }): VNode => (
  <>
    {Object.entries(content).map(([mediaType, media]) => {
      const fields = schemas[nameOf(media.schema)]
      return (
        <>
          <p>
            <code>{mediaType}</code>: <Type schema={media.schema} />
          </p>
          {fields !== undefined && <Fields schema={fields} />}
          <Examples media={media} />
        </>
      )
    })}
  </>
)

const Security = ({ security = [] }: Pick<Operation, "security">): VNode => {
  const names = security.flatMap((one) => Object.keys(one))
  return names.length === 0 ? (
    <>Public.</>
  ) : (
    <>
      Needs one of:{" "}
      {listed(
        names.map((name) => <a href={`/docs#security-${name}`}>{name}</a>),
        ", "
      )}
      .
    </>
  )
}

/** A text of a POSIX shell that stands for itself. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** A parameter as a variable of a shell: what a command line is given of it. */
const variableOf = (name: string) =>
  `$${name
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toUpperCase()}`

const tokenOf = (security: Operation["security"] = []) =>
  security.some((one) => "gateway" in one) ? "$GATEWAY_TOKEN" : security.length > 0 ? "$TOKEN" : undefined

/** A command line that sends the request of an operation. */
const curlOf = (origin: string, method: string, path: string, operation: Operation): string => {
  const { parameters = [], requestBody, security } = operation
  const needed = parameters.filter((one) => one.in === "query" && one.required === true)
  const query = needed.map(({ name }) => `${name}=${variableOf(name)}`).join("&")
  const url = `${origin}${path.replace(/\{(\w+)\}/g, (_, name) => variableOf(name))}${query === "" ? "" : `?${query}`}`
  const token = tokenOf(security)
  const [body] = Object.entries(requestBody?.content ?? {})
  return [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${url}"`,
    ...(token === undefined ? [] : [`-H "authorization: Bearer ${token}"`]),
    ...(body === undefined
      ? []
      : [`-H "content-type: ${body[0]}"`, `-d ${quoted(JSON.stringify(body[1].example ?? {}))}`])
  ].join(" \\\n  ")
}

/** How to get what the command lines show. */
const tokenCommand = (origin: string) =>
  `TOKEN=$(curl -si "${origin}/api/auth/sign-in/email" \\
  -H "content-type: application/json" \\
  -d '{"email":"ada@example.org","password":"a long password"}' |
  tr -d '\\r' | awk 'tolower($1) == "set-auth-token:" { print $2 }')`

/** Whether a browser can send it: with its session, or with nothing. */
const isTriable = ({ responses, security = [] }: Operation) =>
  (security.length === 0 || security.some((one) => "session" in one)) &&
  !("text/event-stream" in (responses["200"]?.content ?? {}))

/** A form that sends the request with the session of the browser. Without JavaScript it is not there. */
const Try = ({ method, operation, path }: { method: string; operation: Operation; path: string }): VNode => {
  const { operationId, parameters = [], requestBody } = operation
  const [body] = Object.entries(requestBody?.content ?? {})
  return (
    <form class="try" data-method={method.toUpperCase()} data-path={path} hidden>
      <details>
        <summary>Try it</summary>
        {parameters.map(({ in: place, name, required }) => (
          <label>
            {name} {place !== "path" && required !== true && "(optional)"}
            <input name={name} data-in={place} autocomplete="off" required={place === "path" || required === true} />
          </label>
        ))}
        {body !== undefined && (
          <label>
            Body
            <textarea name="body" data-type={body[0]} rows={6} spellcheck={false}>
              {JSON.stringify(body[1].example ?? {}, null, 2)}
            </textarea>
          </label>
        )}
        <button type="submit">Send {operationId}</button>
        <output class="answer" aria-label={`Answer to ${operationId}`} />
      </details>
    </form>
  )
}

const OperationPart = ({ at, origin, schemas }: { at: Located; origin: string; schemas: Schemas }): VNode => {
  const { method, operation, path } = at
  const {
    description = "",
    operationId,
    parameters = [],
    requestBody,
    responses,
    security = [],
    summary = ""
  } = operation
  return (
    <section id={operationId} class="part">
      <h2>{summary}</h2>
      <p>
        <span class="method">{method.toUpperCase()}</span> <code>{path}</code>
      </p>
      <p>
        {description} <Security security={security} />
      </p>
      {parameters.length > 0 && (
        <>
          <h3>Parameters</h3>
          <Table columns={["parameter", "type", "meaning"]}>
            {parameters.map(({ description = "", in: place, name, schema }) => (
              <tr>
                <td>
                  <code>{name}</code> in {place}
                </td>
                <td>
                  <Type schema={schema} />
                </td>
                <td>{description}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
      {requestBody !== undefined && (
        <>
          <h3>Request</h3>
          <Body content={requestBody.content} schemas={schemas} />
        </>
      )}
      <pre class="command">{curlOf(origin, method, path, operation)}</pre>
      {isTriable(operation) && <Try method={method} operation={operation} path={path} />}
      <h3>Answers</h3>
      {Object.entries(responses).map(([status, { content, description, headers = {} }]) => (
        <details>
          <summary>
            {status} {description}
          </summary>
          <Body content={content} schemas={Number(status) < 400 ? schemas : {}} />
          <p>
            Header fields:{" "}
            {listed(
              Object.keys(headers).map((name) => (
                <a href={`/docs#header-${name}`}>
                  <code>{name}</code>
                </a>
              )),
              ", "
            )}
          </p>
        </details>
      ))}
    </section>
  )
}

/** An operation, and where it is. */
interface Located {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

const operationsOf = ({ paths }: Document): ReadonlyArray<Located> =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation }))
  )

/** What operations belong to: the tags of the document, each with a page. */
export const subjectsOf = (document: Document) =>
  document.tags.map(({ description = "", name }) => ({
    name,
    description,
    operations: operationsOf(document).filter(({ operation }) => operation.tags?.includes(name) === true)
  }))

/** The names of schemas that a part of the document refers to, itself or by others, refusals aside. */
const schemasIn = (part: unknown, schemas: Schemas): ReadonlyArray<string> => {
  const names = new Set<string>()
  const open: Array<unknown> = [part]
  while (open.length > 0) {
    for (const [, name = ""] of JSON.stringify(open.pop() ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (names.has(name) || codeOfRefusal(name) !== undefined) continue
      names.add(name)
      open.push(schemas[name])
    }
  }
  return [...names].sort()
}

/** The page of a subject: its operations, each with its fields, a command line and what it answers, and the schemas they have. */
export const subjectPage = (document: Document, subject: string, origin: string): string | undefined => {
  const found = subjectsOf(document).find(({ name }) => name === subject)
  if (found === undefined) return undefined
  const { schemas } = document.components
  const names = schemasIn(
    found.operations.map(({ operation }) => operation),
    schemas
  )
  return pageText(
    <Layout title={`${found.name}: the HTTP interface`} path="/docs" visitor="unknown" script={tryScript}>
      <p>
        <a href="/docs">All subjects</a>
      </p>
      <h1>{found.name}</h1>
      <p>{found.description}.</p>
      <nav aria-label="Contents" class="contents">
        <ul>
          {found.operations.map(({ operation: { operationId, summary = "" } }) => (
            <li>
              <a href={`#${operationId}`}>{summary}</a>
            </li>
          ))}
        </ul>
      </nav>
      <details>
        <summary>Where the command lines have $TOKEN from</summary>
        <pre class="command">{tokenCommand(origin)}</pre>
        <p>Other variables stand for what a path or a query names.</p>
      </details>
      {found.operations.map((at) => (
        <OperationPart at={at} origin={origin} schemas={schemas} />
      ))}
      {names.map((name) => (
        <section id={`schema-${name}`} class="part">
          <h2>{name}</h2>
          <p>{schemas[name]?.description}</p>
          <Fields schema={schemas[name] ?? {}} />
        </section>
      ))}
    </Layout>
  )
}

/** What a search looks for in an operation: each word once, without hyphens, so that sign-up and signup are the same. */
const wordsOf = ({ method, operation, path }: Located): string => {
  const { description, operationId, parameters = [], requestBody, responses, summary } = operation
  const said = [
    ...[method, path, operationId, summary, description],
    ...parameters.flatMap((one) => [one.name, one.description]),
    ...Object.values(requestBody?.content ?? {}).map(({ schema }) => nameOf(schema)),
    ...Object.values(responses).flatMap(({ content = {} }) =>
      Object.values(content).flatMap(({ examples = {} }) => Object.keys(examples))
    )
  ]
  const words = said
    .join(" ")
    .toLowerCase()
    .replaceAll("-", "")
    .split(/[^\w/{}]+/)
  return [...new Set(words)].join(" ")
}

/** The index of the OpenAPI document: every operation by its subject, with a search, and what all of them share. */
export const apiPage = (document: Document): string => {
  const { components, info } = document
  return pageText(
    <Layout title={`${info.title} ${info.version}`} path="/docs" visitor="unknown" script={searchScript}>
      <h1>{`${info.title} ${info.version}`}</h1>
      <p>{info.description ?? ""}</p>
      <p>
        The same for programs: <a href="/openapi.json">openapi.json</a>. The errors:{" "}
        <a href="/docs/errors">/docs/errors</a>.
      </p>
      <Search />
      {subjectsOf(document).map(({ description, name, operations }) => (
        <section class="part" data-group>
          <h2>
            <a href={`/docs/${name}`}>{name}</a>
          </h2>
          <p>{description}.</p>
          <ul class="operations">
            {operations.map((at) => {
              const { method, operation, path } = at
              return (
                <li id={operation.operationId} data-words={wordsOf(at)}>
                  <a href={`/docs/${name}#${operation.operationId}`}>{operation.summary}</a>
                  <br />
                  <span class="method">{method.toUpperCase()}</span> <code>{path}</code>
                </li>
              )
            })}
          </ul>
        </section>
      ))}
      {Object.entries(components.securitySchemes ?? {}).map(([name, { description = "" }]) => (
        <section id={`security-${name}`} class="part">
          <h2>Security: {name}</h2>
          <p>{description}</p>
        </section>
      ))}
      <section id="headers" class="part">
        <h2>Header fields of answers</h2>
        <Table columns={["field", "meaning"]}>
          {Object.entries(components.headers ?? {}).map(([name, { description }]) => (
            <tr id={`header-${name}`}>
              <td>
                <code>{name}</code>
              </td>
              <td>{description}</td>
            </tr>
          ))}
        </Table>
      </section>
    </Layout>
  )
}
