/*
 * Compiles what has changed below src and migrations, and below the folders that are named, each file to its place below dist, and the
 * program once more with all that it loads in few files: from there it starts in a third of the time. Types are not looked at:
 * `npm run check` does that.
 */
import { chmod, readdir, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"

const folders = ["src", "migrations", ...process.argv.slice(2)]
const program = join("dist", "src", "main.js")
const bundle = join("dist", "program")

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

if (changed.length > 0 || (await written(join(bundle, "Program.js"))) < compiler) {
  const { build } = await import("esbuild")
  // Made beside and moved, so that a program that starts meanwhile finds the whole.
  const made = `${bundle}-${process.pid}`
  await build({
    entryPoints: [join("src", "cli", "Program.ts")],
    outdir: made,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    external: ["pg-native"],
    // What was made for CommonJS asks for what it needs when it runs.
    banner: {
      js: `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`
    },
    logLevel: "error"
  })
  await rm(bundle, { recursive: true, force: true })
  await rename(made, bundle)
}
