import { BlockList } from "node:net"
import { HttpLive, ServerConfig } from "agent-install/http"
import { AppMemory, entity, person, template } from "agent-install/testing"
import { Duration, Layer } from "effect"
import { OwnLimiter } from "./own-limiter.ts"

/* The product's routes and pages over services of one's own choice: a world in memory, and a limiter of one's own. */

const ample = { limit: 1_000, window: Duration.hours(1) }
const limits = {
  ...{ install: { limit: 1, window: Duration.hours(1) }, change: ample, read: ample, auth: ample },
  ...{ password: ample, account: ample, sender: ample, mail: ample }
}

const world = AppMemory({ people: [person("Ada")], templates: [template("helper", [entity("invoice")])] })

/** Answers on the server that it is provided with. */
export const OwnServiceLive = HttpLive.pipe(
  Layer.provide(Layer.merge(world, OwnLimiter(limits))),
  Layer.provide(Layer.succeed(ServerConfig, { ownOrigins: [], trustedProxies: new BlockList() }))
)
