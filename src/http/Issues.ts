import { SchemaAST as AST, Effect, Option, type ParseResult, Predicate } from "effect"
import { nearest } from "../domain/Nearest.ts"

/**
 * A place in a request and what was expected there. What was sent is left out, since it may be anything and of any
 * length.
 */
export interface Place {
  readonly path: ReadonlyArray<PropertyKey>
  readonly message: string
}

const anyOf = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

/** The name of a type in JSON's terms instead of TypeScript's. */
const wordsOf = (ast: AST.AST): string => {
  switch (ast._tag) {
    case "StringKeyword":
      return "string"
    case "NumberKeyword":
      return "number"
    case "BooleanKeyword":
      return "boolean"
    case "Literal":
      return typeof ast.literal === "string" ? `"${ast.literal}"` : String(ast.literal)
    case "TupleType":
      return "a list"
    case "TypeLiteral":
      return "an object"
    case "Union":
      return anyOf(ast.types.filter((type) => !AST.isUndefinedKeyword(type)).map(wordsOf))
    case "Refinement":
      return AST.getDescriptionAnnotation(ast).pipe(
        Option.map((text) => text.replace(/^an array of at (least|most) (\d+) item\(s\)$/, "at $1 $2 in the list")),
        Option.getOrElse(() => wordsOf(ast.from))
      )
    case "Transformation":
      return wordsOf(ast.to)
    default:
      return "what is documented"
  }
}

/** A schema's own message about a wrong value, and whether it takes precedence over the messages about its parts. */
const saidBy = (
  issue: ParseResult.ParseIssue
): { readonly message: string; readonly override: boolean } | undefined => {
  const said = "ast" in issue ? AST.getMessageAnnotation(issue.ast as AST.AST) : Option.none()
  if (Option.isNone(said)) return undefined
  const text = said.value(issue)
  if (Predicate.isString(text)) return { message: text, override: false }
  return Effect.isEffect(text) || !Predicate.isString(text.message)
    ? undefined
    : { message: text.message, override: text.override }
}

const unknown = (name: string, known: ReadonlyArray<string>): string => {
  const meant = nearest(name, known)
  return meant === undefined ? `unknown; known are ${known.join(", ")}` : `unknown; did you mean ${meant}?`
}

const partsOf = <A>(parts: ParseResult.SingleOrNonEmpty<A>): ReadonlyArray<A> =>
  Array.isArray(parts) ? parts : [parts as A]

/**
 * The problems of a value that fits no member of a union: problems inside it take precedence over other types it could
 * have had.
 */
const alternatives = (places: ReadonlyArray<Place>): ReadonlyArray<Place> => {
  const inside = places.filter(({ path }) => path.length > 0)
  if (inside.length > 0) return inside
  const [first, ...others] = places.map(({ message }) => message)
  if (first === undefined) return []
  return [{ path: [], message: [first, ...others.map((other) => other.replace(/^Expected /, ""))].join(", or ") }]
}

/** Every place where a value does not match its schema. */
export const placesOf = (issue: ParseResult.ParseIssue): ReadonlyArray<Place> => {
  const here = (message: string): ReadonlyArray<Place> => [{ path: [], message }]
  const said = saidBy(issue)
  switch (issue._tag) {
    case "Pointer": {
      const path = partsOf(issue.path)
      return placesOf(issue.issue).map((place) => ({ ...place, path: [...path, ...place.path] }))
    }
    case "Missing":
      return here("is missing")
    case "Unexpected":
    case "Forbidden":
      return here("is not what is documented")
    case "Type":
      // The message of a filter is written in this code base; that of a transformation repeats what was sent, so it is
      // not used.
      return here(
        said?.message ?? (AST.isRefinement(issue.ast) ? issue.message : undefined) ?? `Expected ${wordsOf(issue.ast)}`
      )
    case "Refinement":
    case "Transformation":
      return said !== undefined && (said.override || issue.kind === "Predicate" || issue.kind === "Transformation")
        ? here(said.message)
        : placesOf(issue.issue)
    case "Composite": {
      if (said?.override === true) return here(said.message)
      const { ast } = issue
      const parts = partsOf(issue.issues)
      if (AST.isUnion(ast)) {
        return alternatives(
          parts.flatMap((part) => ("ast" in part && AST.isUndefinedKeyword(part.ast as AST.AST) ? [] : placesOf(part)))
        )
      }
      const known = AST.isTypeLiteral(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []
      return parts.flatMap((part) =>
        part._tag === "Pointer" && part.issue._tag === "Unexpected"
          ? [{ path: partsOf(part.path), message: unknown(String(partsOf(part.path)[0]), known) }]
          : placesOf(part)
      )
    }
  }
}
