import type { HttpServerRequest } from "@effect/platform"

/** The first of these encodings that the client accepts (RFC 9110, 12.5.3); none if it accepts none. */
export const encodingFor = <A extends string>(
  { headers }: HttpServerRequest.HttpServerRequest,
  encodings: ReadonlyArray<A>
): A | undefined => {
  const read = new Set(
    (headers["accept-encoding"] ?? "")
      .split(",")
      .map((member) => member.split(";").map((part) => part.trim().toLowerCase()))
      .filter(([, weight = "q=1"]) => !/^q=0(\.0*)?$/.test(weight))
      .map(([name]) => name)
  )
  return encodings.find((encoding) => read.has(encoding))
}
