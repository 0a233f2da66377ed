// Asking for a cancel or for the end, decided from the head alone: an executor answers it (PROTOCOL 7).
import { type Head, toExec } from '@reins/contracts'
import { append, type Control, type RequestOutcome } from '../deciding/decision.ts'

const requested = (head: Head, data: { readonly cancel: string; readonly end?: true }): RequestOutcome =>
  append({ events: [{ type: 'cancel.requested', data }], to: toExec(head.pool), status: head.status })

export const cancelControls = {
  cancel: (head, cancel) => requested(head, { cancel }),
  end: (head, cancel) => requested(head, { cancel, end: true }),
} satisfies Readonly<Record<string, Control>>
