import { Effect } from "effect"
import { listWatchers, setWatcher } from "../../services/installation/ManageWatchers.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

export const WatchersHttp = group(Api, "watchers", {
  list: ({ credential, path }) => Effect.map(listWatchers(credential, path.id), (watchers) => ({ watchers })),
  pause: ({ credential, path }) => setWatcher("pause", { credential, agentId: path.id, slug: path.slug }),
  resume: ({ credential, path }) => setWatcher("resume", { credential, agentId: path.id, slug: path.slug })
})
