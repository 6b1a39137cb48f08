import { Layer, type Redacted } from "effect"
import { AppLive, DatabaseLive } from "../src/layers/AppLive.ts"
import { appOptions } from "./worlds.ts"

/** The live services on a database that is brought up to date first. */
export const servicesOn = (url: Redacted.Redacted<string>) =>
  AppLive(appOptions).pipe(Layer.provideMerge(DatabaseLive({ url, maxConnections: 4 })))
