import { createServer, type Server } from "node:http"

const patienceMillis = 10_000

/**
 * The server of node that the service runs on. It speaks plain HTTP/1.1: who asks for another protocol (`Upgrade: h2c`, as
 * curl's `--http2` does) is answered in this one, as RFC 9110, 7.8 lets it; who ends their side once all is sent is answered
 * too; and once it is closing, connections that are still open after ten seconds are cut.
 */
export const makeNodeServer = (): Server => {
  const server = Object.assign(createServer(), { httpAllowHalfOpen: true })
  // Whoever listens for upgrades takes the request, and its body, from those who listen for requests.
  server.on = new Proxy(server.on, {
    apply: (on, self, args: Array<unknown>) => (args[0] === "upgrade" ? server : Reflect.apply(on, self, args))
  })
  const close = server.close.bind(server)
  server.close = (done) => {
    setTimeout(() => server.closeAllConnections(), patienceMillis).unref()
    return close(done)
  }
  return server
}
