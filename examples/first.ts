import { install } from "agent-install/installation"
import { AppMemory, entity, person, signedInAs, template } from "agent-install/testing"
import { Console, Effect } from "effect"

/* The first program: an install, with everything in memory. */

const ada = person("Ada")
const app = AppMemory({ people: [ada], templates: [template("helper", [entity("invoice")])] })

const program = install({ credential: signedInAs(ada), body: Effect.succeed({ slug: "helper" }) })

Effect.runPromise(program.pipe(Effect.tap(Console.log), Effect.provide(app)))
