import { Effect } from "effect"
import { orderOfWatchers } from "../../domain/installation/Watcher.ts"
import { listWatchers, setWatcher } from "../../services/installation/ManageWatchers.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"
import { paged } from "../Paged.ts"

export const WatchersHttp = group(Api, "watchers", {
  list: ({ credential, path, query }) =>
    Effect.map(paged(orderOfWatchers)(listWatchers(credential, path.id), query), ({ items, next }) => ({
      watchers: items,
      next
    })),
  pause: ({ credential, path }) => setWatcher("pause", { credential, agentId: path.id, slug: path.slug }),
  resume: ({ credential, path }) => setWatcher("resume", { credential, agentId: path.id, slug: path.slug })
})
