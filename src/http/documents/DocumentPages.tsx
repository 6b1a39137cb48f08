import type { ComponentChildren, VNode } from "preact"
import { errorGuide } from "../../domain/ErrorGuide.ts"
import { refusals } from "../../domain/Errors.ts"
import { pageText } from "../pages/AnswerPage.ts"
import { searchScript } from "../pages/Assets.ts"
import { Layout } from "../pages/Layout.tsx"
import { type Content, type Document, exampleProblem, type JsonSchema, nameOf, type Operation } from "./Document.ts"

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

/** A reference page: parts with a table of contents and, with JavaScript, a search. */
const Reference = ({ lead, parts, title }: ReferenceProps): VNode => (
  <Layout title={title} path="/docs" visitor="unknown" script={searchScript}>
    <h1>{title}</h1>
    {lead}
    <div id="search" hidden>
      <label for="words">Search</label>
      <input id="words" type="search" autocomplete="off" />
      <p id="found" role="status" />
    </div>
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

const Type = ({ schema }: { schema: JsonSchema }): VNode => {
  const { anyOf, enum: values, items, maximum, maxLength, minimum, minLength, pattern, type = "anything" } = schema
  if (schema.$ref !== undefined) return <a href={`#schema-${nameOf(schema)}`}>{nameOf(schema)}</a>
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
  const rows = fieldsOf(schema)
  return rows.length === 0 ? (
    <p>
      <Type schema={schema} />. {schema.description ?? ""}
    </p>
  ) : (
    <Table columns={["field", "type", "meaning"]}>{rows}</Table>
  )
}

const Body = ({ content = {} }: { content: Content | undefined }): VNode => (
  <>
    {Object.entries(content).map(([mediaType, { example, examples = {}, schema }]) => (
      <>
        <p>
          <code>{mediaType}</code>: <Type schema={schema} />
        </p>
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
    ))}
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
        names.map((name) => <a href={`#security-${name}`}>{name}</a>),
        ", "
      )}
      .
    </>
  )
}

const operationPart = (method: string, path: string, operation: Operation): Part => {
  const {
    description = "",
    operationId,
    parameters = [],
    requestBody,
    responses,
    security = [],
    summary = ""
  } = operation
  return {
    id: operationId,
    heading: (
      <>
        <span class="method">{method.toUpperCase()}</span> <code>{path}</code>
      </>
    ),
    body: (
      <>
        <p>
          <strong>{summary}</strong>
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
            <Body content={requestBody.content} />
          </>
        )}
        <h3>Answers</h3>
        {Object.entries(responses).map(([status, { content, description, headers = {} }]) => (
          <details>
            <summary>
              {status} {description}
            </summary>
            <Body content={content} />
            <p>
              Header fields:{" "}
              {listed(
                Object.keys(headers).map((name) => <code>{name}</code>),
                ", "
              )}
            </p>
          </details>
        ))}
      </>
    )
  }
}

/** The OpenAPI document as a page that can be searched. */
export const apiPage = ({ components, info, paths }: Document): string => {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationPart(method, path, operation))
  )
  const securities = Object.entries(components.securitySchemes ?? {}).map(
    ([name, { description = "" }]): Part => ({
      id: `security-${name}`,
      heading: `Security: ${name}`,
      body: <p>{description}</p>
    })
  )
  const headers: Part = {
    id: "headers",
    heading: "Header fields of answers",
    body: (
      <Table columns={["field", "meaning"]}>
        {Object.entries(components.headers ?? {}).map(([name, { description }]) => (
          <tr>
            <td>
              <code>{name}</code>
            </td>
            <td>{description}</td>
          </tr>
        ))}
      </Table>
    )
  }
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]): Part => ({ id: `schema-${name}`, heading: `Schema: ${name}`, body: <Fields schema={schema} /> })
  )
  return pageText(
    <Reference
      title={`${info.title} ${info.version}`}
      lead={
        <>
          <p>{info.description ?? ""}</p>
          <p>
            The same for programs: <a href="/openapi.json">openapi.json</a>. The errors:{" "}
            <a href="/docs/errors">/docs/errors</a>.
          </p>
        </>
      }
      parts={[...operations, ...securities, headers, ...schemas]}
    />
  )
}
