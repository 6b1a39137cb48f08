import type { NeedsOf } from "../Law.ts"
import { installLaws } from "./InstallLaws.ts"
import type { MirrorLaws, TemplateMirrorHands } from "./Prepared.ts"
import { resyncLaws } from "./ResyncLaws.ts"
import { sharedLaws } from "./SharedLaws.ts"
import { uninstallLaws } from "./UninstallLaws.ts"
import { wishLaws } from "./WishLaws.ts"

const lawsWith: MirrorLaws = (hands) =>
  [installLaws, resyncLaws, sharedLaws, wishLaws, uninstallLaws].flatMap((laws) => laws(hands))

/** What every `TemplateMirror` promises. */
export const templateMirrorLaws = <Hands extends TemplateMirrorHands<unknown>>(hands: Hands) =>
  lawsWith(hands as TemplateMirrorHands<unknown> as TemplateMirrorHands<NeedsOf<Hands>>)
