import { Effect, Layer } from "effect"
import { TemplateReader } from "../../services/catalog/TemplateReader.ts"

/** What it takes is loaded only when it is asked for: most starts have nothing to read. */
const files = Effect.promise(() => import("./TemplateFiles.ts"))

/** Templates read as those of folders are; it needs no database, so every world has the same. */
export const TemplateReaderPure = Layer.succeed(
  TemplateReader,
  TemplateReader.of({
    read: (documents) =>
      Effect.flatMap(files, ({ readDocuments }) => Effect.map(readDocuments(documents), ({ template }) => template)),
    schemaProblems: (fields) => Effect.map(files, ({ schemaProblems }) => schemaProblems(fields)),
    write: (template) => Effect.map(files, ({ toDocuments }) => toDocuments(template))
  })
)
