import { fileURLToPath } from "node:url"

/** What programs import of the package, as the sources have it. */
export const alias = [
  { find: /^agent-install\/(.*)$/, replacement: fileURLToPath(new URL("src/exports/$1.ts", import.meta.url)) }
]
