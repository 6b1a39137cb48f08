import type { VNode } from "preact"
import { encode } from "uqr"

// ISO/IEC 18004 requires a quiet zone of four modules.
const margin = 4

/** A QR code to scan with another device; always dark on light, whatever the page's colours. */
export const QrCode = ({ label, text }: { text: string; label: string }): VNode => {
  const { data, size } = encode(text, { ecc: "M", border: 0 })
  const path = data
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x + margin} ${y + margin}h1v1h-1z`] : [])))
    .join("")
  const side = size + 2 * margin
  return (
    <svg class="qr" role="img" aria-label={label} viewBox={`0 0 ${side} ${side}`} shape-rendering="crispEdges">
      <path fill="#fff" d={`M0 0h${side}v${side}H0z`} />
      <path fill="#000" d={path} />
    </svg>
  )
}
