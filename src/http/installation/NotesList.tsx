import type { VNode } from "preact"
import type { RevisionNotes } from "../../domain/installation/Plan.ts"

/** What the publisher says is new in some revisions. */
export const NotesList = ({ notes }: { notes: ReadonlyArray<RevisionNotes> }): VNode | null =>
  notes.length === 0 ? null : (
    <div class="notes">
      <h3>What the publisher says</h3>
      <dl>
        {notes.map(({ notes, revision }) => (
          <>
            <dt>Revision {revision}</dt>
            <dd class="prose" dir="auto">
              {notes}
            </dd>
          </>
        ))}
      </dl>
    </div>
  )
