import { Effect, Either, Predicate } from "effect"
import {
  Composer,
  type ErrorCode,
  isMap,
  isNode,
  isPair,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  Parser,
  Scalar,
  visit,
  type YAMLError
} from "yaml"
import { PublishRefused } from "../../domain/catalog/Template.ts"
import { templateLimits } from "../../domain/catalog/TemplateLimits.ts"
import { findUncleanText } from "../../domain/Text.ts"

/*
 * The part of YAML 1.2 (core schema) that JSON can represent. Everything else (other tags, keys that are not text,
 * numbers that no double can hold, aliases, merges) is refused at its place, since it would be stored as something
 * else.
 */

/** A mapping read from a file, and the places of its paths in that file. */
export interface YamlFile {
  readonly value: Readonly<Record<string, unknown>>
  /**
   * `file:line:column` of the deepest part of the path that exists, so that what is missing is reported where it is
   * missing. For an entry of a mapping that is the place of its value, or of its key.
   */
  readonly place: (path: ReadonlyArray<PropertyKey>, of?: "key" | "value") => string
}

/** The maximum number of problems reported for one file. */
const maxProblems = 20

const words: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "expected an alias to have no anchor and no tag",
  BAD_ALIAS: "expected the value itself, not an alias",
  BAD_COLLECTION_TYPE: "expected a tag that fits the value",
  BAD_DIRECTIVE: "expected no directive but %YAML 1.2 and %TAG",
  BAD_DQ_ESCAPE: "expected an escape that YAML knows; write \\\\ for a backslash, or use single quotes",
  BAD_INDENT:
    "wrong indentation (keys of one mapping, and items of one list, begin in the same column), or an unclosed bracket, brace or quote above",
  BAD_PROP_ORDER: "expected anchors and tags before the value, after the key or the dash",
  BAD_SCALAR_START: "expected quotes around a value that begins with this character",
  BLOCK_AS_IMPLICIT_KEY:
    "expected quotes around a value that holds a colon and a blank, or its mapping on lines of its own",
  BLOCK_IN_FLOW: "expected no indented lines within [ ] or { }",
  DUPLICATE_KEY: "expected each key once",
  IMPOSSIBLE: "can't be read as YAML",
  KEY_OVER_1024_CHARS: "expected a key of at most 1024 characters",
  MISSING_CHAR:
    "something is missing: a quote, a bracket or brace that closes, a comma, a colon, or the blank after it",
  MULTILINE_IMPLICIT_KEY: "expected a key on one line, with a colon after it",
  MULTIPLE_ANCHORS: "expected one anchor at most",
  MULTIPLE_DOCS: "expected one document; take out the line --- and what follows it",
  MULTIPLE_TAGS: "expected one tag at most",
  NON_STRING_KEY: "expected a key that is text",
  RESOURCE_EXHAUSTION: `expected lists and mappings at most ${templateLimits.depth} deep in each other`,
  TAB_AS_INDENT: "expected blanks for indentation, not tabs",
  TAG_RESOLVE_FAILED: "expected a value without this tag, which says something that JSON can't",
  UNEXPECTED_TOKEN: "expected something else here"
}

/** A decimal number as its digits and exponent, so that equal numbers have the same text. */
const decimal = (text: string): string => {
  const [, whole = "", fraction = "", exponent = "0"] = /^[-+]?(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(text) ?? []
  const digits = whole + fraction
  let [from, to] = [0, digits.length]
  while (digits[from] === "0") from++
  while (to > from && digits[to - 1] === "0") to--
  return from === to ? "0" : `${digits.slice(from, to)}e${Number(exponent) - fraction.length + digits.length - to}`
}

/** Whether a parsed number is the one that was written. */
const isAsWritten = (value: number, source: string): boolean => {
  if (!Number.isFinite(value) || Object.is(value, -0)) return false
  if (/^0[xo]/.test(source)) return Number.isSafeInteger(value)
  // 007 is more often a name than a number, and YAML 1.1 read it as octal.
  if (/^[-+]?0\d/.test(source)) return false
  return decimal(source) === decimal(String(value))
}

type Strange = readonly [offset: number, message: string]

const offsetOf = (node: unknown, otherwise = 0): number =>
  Predicate.hasProperty(node, "range") && Array.isArray(node.range) ? Number(node.range[0]) : otherwise

/** Why a JSON object can't have this key; `seen` are the keys before it. */
const keyProblem = (key: unknown, seen: Set<unknown>): string | undefined => {
  if (!isScalar(key) || typeof key.value !== "string") {
    const text =
      isScalar(key) && key.source !== undefined && key.source !== "" ? `, as "${key.source}" with its quotes` : ""
    return `expected a key that is text${text}`
  }
  if (key.value === "<<" && key.type === Scalar.PLAIN) return "expected the keys themselves, not a merge of others (<<)"
  if (key.value === "__proto__") return "expected another key than __proto__, which programs can't tell from their own"
  if (seen.has(key.value)) return `expected each key once; "${key.value}" is there already`
  seen.add(key.value)
  return undefined
}

/** The parts of a document that JSON can't represent. */
const strangeness = (contents: ParsedNode): ReadonlyArray<Strange> => {
  const strange: Array<Strange> = []
  visit(contents as Node, {
    // An alias can make a small file endless: one that contains itself, or a dozen that each contain the previous one
    // ten times.
    Alias: (_key, node) => {
      strange.push([offsetOf(node), `expected the value itself, not the alias *${node.source}`])
    },
    Map: (_key, map) => {
      const seen = new Set<unknown>()
      for (const { key, value } of map.items) {
        const wrong = keyProblem(key, seen)
        if (wrong !== undefined) strange.push([offsetOf(key, offsetOf(value, offsetOf(map))), wrong])
      }
    },
    Scalar: (_key, node) => {
      const { source = "", value } = node
      if (typeof value === "number" && !isAsWritten(value, source)) {
        const become = Number.isFinite(value) ? `, and would become ${Object.is(value, -0) ? 0 : value}` : ""
        strange.push([
          offsetOf(node),
          `expected a number that JSON can hold; ${source} is none${become}. Put quotes around it to keep it as text`
        ])
      } else if (value !== null && !["string", "number", "boolean"].includes(typeof value)) {
        strange.push([offsetOf(node), "expected text, a number, true, false, null, a list or a mapping"])
      }
    }
  })
  return strange
}

/**
 * Parses the first document of a text; or finds the place where it is nested too deeply, or where a second document
 * begins.
 */
const compose = (text: string, lineCounter: LineCounter) => {
  const parser = new Parser(lineCounter.addNewLine)
  const deep: Array<Strange> = []
  const tokens = function* () {
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme)
      // The stack also contains the document and the scalar.
      if (parser.stack.length > templateLimits.depth + 2) {
        deep.push([parser.offset, words.RESOURCE_EXHAUSTION])
        return
      }
    }
    yield* parser.end()
  }
  const composer = new Composer({
    schema: "core",
    merge: false,
    resolveKnownTags: false,
    // Checked below: there the time does not grow with the square of the number of keys.
    uniqueKeys: false,
    lineCounter,
    prettyErrors: false
  })
  const [first, second] = composer.compose(tokens(), true, text.length)
  return { deep, first, second }
}

/** Reads the text of a file as one mapping that JSON can represent. Fails with every problem in it, up to twenty. */
export const readYaml = (file: string, text: string): Effect.Effect<YamlFile, PublishRefused> =>
  Effect.suspend(() => {
    const lineCounter = new LineCounter()
    lineCounter.addNewLine(0)
    const at = (offset: number) => {
      const { col, line } = lineCounter.linePos(offset)
      return `${file}:${line}:${col}`
    }
    const refuse = (problems: ReadonlyArray<Strange>) =>
      Either.left(
        new PublishRefused({
          issues: [
            ...problems.slice(0, maxProblems).map(([offset, message]) => ({ where: at(offset), path: [], message })),
            ...(problems.length > maxProblems
              ? [{ where: file, path: [], message: `and ${problems.length - maxProblems} problems more` }]
              : [])
          ]
        })
      )
    const { deep, first: document, second } = compose(text, lineCounter)
    if (deep.length > 0 || document === undefined) return refuse(deep)
    const inWords = ({ code, pos: [from, to] }: YAMLError): Strange => {
      const shown = text.slice(from, Math.min(to, from + 40)).split("\n")[0] ?? ""
      return [
        from,
        code === "TAG_RESOLVE_FAILED" || code === "UNEXPECTED_TOKEN" ? `${words[code]} (${shown})` : words[code]
      ]
    }
    const faults = [...document.errors, ...document.warnings].map(inWords)
    if (second !== undefined) faults.push([offsetOf(second), words.MULTIPLE_DOCS])
    const { explicit, version } = document.directives.yaml
    if (explicit === true && version !== "1.2") faults.push([0, `expected YAML 1.2, not ${version}`])
    if (faults.length > 0) return refuse(faults)
    if (!isMap(document.contents))
      return refuse([[offsetOf(document.contents), "expected a mapping of keys to values"]])
    const strange = strangeness(document.contents)
    if (strange.length > 0) return refuse(strange)
    const value: unknown = document.toJS()
    if (!Predicate.isRecord(value)) return refuse([[0, "expected a mapping of keys to values"]])

    const place: YamlFile["place"] = (path, of = "value") => {
      if (path.length === 0) return at(offsetOf(document.contents))
      const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
      const pair = isMap(holder)
        ? holder.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === String(path.at(-1)))
        : undefined
      const node = of === "key" && pair !== undefined ? pair.key : document.getIn(path, true)
      return isNode(node) && node.range ? at(node.range[0]) : place(path.slice(0, -1), of)
    }
    const unclean = findUncleanText(value)
    if (unclean !== undefined) {
      const message = "expected text without NUL characters and lone surrogates"
      return Either.left(
        new PublishRefused({ issues: [{ where: place(unclean), path: unclean.map(String), message }] })
      )
    }
    return Either.right({ value, place })
  })
