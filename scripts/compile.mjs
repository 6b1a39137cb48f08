/*
 * Compiles what has changed below src and migrations, and below the folders that are named, each file to its place below dist.
 * Types are not looked at: `npm run check` does that.
 */
import { chmod, readdir, stat } from "node:fs/promises"
import { join } from "node:path"

const folders = ["src", "migrations", ...process.argv.slice(2)]
const program = join("dist", "src", "main.js")

/** When a file was written last; never, where it is not there. */
const written = (file) =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0
  )

const sourcesIn = async (folder) =>
  (await readdir(folder, { recursive: true }))
    .filter((name) => /(?<!\.test)\.tsx?$/.test(name))
    .map((name) => join(folder, name))

const outputOf = (source) => join("dist", source.replace(/\.tsx?$/, ".js"))

process.chdir(join(import.meta.dirname, ".."))
// What is in here, in the options, or the compiler itself may write everything otherwise.
const compiler = Math.max(
  ...(await Promise.all(["scripts/compile.mjs", "tsconfig.json", "package-lock.json"].map(written)))
)
const changed = []
for (const source of (await Promise.all(folders.map(sourcesIn))).flat()) {
  if ((await written(outputOf(source))) < Math.max(compiler, await written(source))) changed.push(source)
}

if (changed.length > 0) {
  process.stderr.write(`Compiling ${changed.length} files\n`)
  const { build } = await import("esbuild")
  await build({
    entryPoints: changed,
    outbase: ".",
    outdir: "dist",
    bundle: true,
    platform: "node",
    packages: "external",
    format: "esm",
    target: "node20.19",
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
    plugins: [
      {
        name: "each file by itself",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.\.?\// }, ({ kind, path }) =>
            kind === "entry-point" ? undefined : { external: true, path: path.replace(/\.tsx?$/, ".js") }
          )
      }
    ]
  })
  await chmod(program, 0o755)
}
