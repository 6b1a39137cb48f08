import type { BlockList } from "node:net"
import { Context } from "effect"

/** What the HTTP layer has to know about its environment. */
export class ServerConfig extends Context.Tag("agent-install/ServerConfig")<
  ServerConfig,
  {
    /** The origins whose pages may send a session cookie along with a request that changes something. */
    readonly ownOrigins: ReadonlyArray<string>
    /** Proxies whose `X-Forwarded-For` is believed. */
    readonly trustedProxies: BlockList
  }
>() {}
