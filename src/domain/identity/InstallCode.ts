/** How long a code is valid, in seconds: 15 minutes. */
export const codeLifetimeSeconds = 15 * 60

/** The number of random bytes in a code: 160 bits. */
export const codeBytes = 20

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

/**
 * Encodes bytes as a code: base32 (RFC 4648, section 6) in lower case, since a phone may change the case of typed text.
 */
export const codeOf = (bytes: Uint8Array): string => {
  let [code, bits, held] = ["", 0, 0]
  for (const byte of bytes) {
    held = (held << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) code += alphabet[(held >>> (bits - 5)) & 31]
    held &= (1 << bits) - 1
  }
  return code
}

const codeInText = /(?<![a-z0-9])[a-z2-7]{32}(?![a-z0-9])/i

/** Finds the code in a message; undefined if there is none. */
export const codeIn = (message: string): string | undefined => codeInText.exec(message)?.[0].toLowerCase()

/** The message that carries a code. */
export const messageWith = (code: string): string => `Link this chat: ${code}`
