// Where a person at the chat decides about calls that wait: one call at a time, by one key.
//   AD1. Keys count from a moment after a call is shown, and where nothing else is being typed: nobody decides by what they were typing.
//   AD2. A decision carries the digest of what was shown. Where the call has other arguments by now, it is refused.
//   AD3. An edit decides only where something was changed. A command is edited as it would be typed, everything else as JSON.
import { type DecideApproval, maxReasonChars } from '@reins/contracts'
import { objectIn, type PendingApproval } from '@reins/transcript'
import type { ReinsClient } from '../../client-port.ts'
import type { CliContext } from '../../context.ts'
import { oneLine } from '../../text/neutralise.ts'
import { approvalKey, grantScope } from './approval-prompt.ts'
import type { Key } from '../typing/keys.ts'
import type { EditResult } from '../typing/line-editor.ts'

/** The chat around it. */
export interface ApprovalDeskPort {
  readonly client: Pick<ReinsClient, 'approvals'>
  readonly context: Pick<CliContext, 'sleep' | 'editText'>
  session(): string | undefined
  /** What stands in the editor. */
  typed(): string
  retype(text: string): void
  /** The terminal is somebody else's while `use` runs. */
  lend<T>(use: () => Promise<T>): Promise<T>
  note(text: string): void
  hint(text: string): void
  fail(error: unknown): void
}

/** From when a call is shown until a key decides about it. */
const beforeKeysMs = 400

export class ApprovalDesk {
  readonly #port: ApprovalDeskPort
  #calls: readonly PendingApproval[] = []
  /** AD1: the call that keys decide about. */
  #asked: string | undefined
  #seen = new AbortController()
  #denying = false

  constructor(port: ApprovalDeskPort) {
    this.#port = port
  }

  /** The person types why they deny a call: the editor is the desk's. */
  get denying(): boolean {
    return this.#denying
  }

  attend(calls: readonly PendingApproval[]): void {
    this.#calls = calls
    const call = calls[0] && keyOf(calls[0])
    if (call === this.#asked) return
    this.#seen.abort()
    this.#seen = new AbortController()
    this.#asked = undefined
    if (this.#denying) this.#stopDenying()
    if (call === undefined) return
    const { signal } = this.#seen
    void this.#port.context.sleep(beforeKeysMs, signal).then(() => {
      if (!signal.aborted) this.#asked = call
    })
  }

  /** Whether the key was one that decides. */
  onKey(key: Key): boolean {
    const pending = this.#pending()
    if (!pending || this.#denying || this.#port.typed() !== '') return false
    const wanted = approvalKey(key)
    switch (wanted) {
      case undefined:
        return false
      case 'approve':
        void this.#decide(pending, { verdict: 'approved' })
        return true
      case 'grant': {
        const scope = grantScope(pending)
        if (scope === undefined) this.#port.hint('Each call of this tool is decided by itself: a approves this one.')
        else void this.#decide(pending, { verdict: 'approved', scope })
        return true
      }
      case 'edit':
        void this.#edit(pending)
        return true
      case 'deny':
        this.#denying = true
        return true
      default:
        return wanted satisfies never
    }
  }

  /** Whether what was pressed belongs to the reason of a denial. */
  onReason(edited: EditResult): boolean {
    if (!this.#denying) return false
    if (edited.kind === 'key' && (edited.name === 'escape' || edited.name === 'interrupt')) {
      this.#stopDenying()
      return true
    }
    const pending = this.#pending()
    if (edited.kind !== 'submitted' || !pending) return false
    this.#stopDenying()
    void this.#decide(pending, { verdict: 'denied', reason: edited.message.slice(0, maxReasonChars) })
    return true
  }

  #pending(): PendingApproval | undefined {
    return this.#calls.find((one) => keyOf(one) === this.#asked)
  }

  /** AD2. */
  async #decide(pending: PendingApproval, decision: DecideApproval): Promise<void> {
    const session = pending.of?.session ?? this.#port.session()
    if (session === undefined) return
    try {
      const { grant } = await this.#port.client.approvals.decide(session, pending.call, {
        ...decision,
        digest: pending.digest,
      })
      if (grant !== undefined)
        this.#port.note(`${granted(pending, decision)}\nRevoke it: reins approvals revoke ${session} ${grant}`)
    } catch (error) {
      this.#port.fail(error)
    }
  }

  /** AD3. */
  async #edit(pending: PendingApproval): Promise<void> {
    const { context, lend, note } = this.#port
    const { command } = pending.arguments
    const plain = typeof command === 'string' && Object.keys(pending.arguments).length === 1
    const before = plain ? command : JSON.stringify(pending.arguments, null, 2)
    const { editText } = context
    if (!editText) return note('There is no editor here. Deny the call, and say what you want instead.')
    const after = await lend(() => editText(`${before}\n`, plain ? '.sh' : '.json').catch(() => undefined))
    if (after === undefined) return note('The editor ended with an error: nothing was decided.')
    if (after.trimEnd() === before.trimEnd()) return note('Nothing was changed, so nothing was decided.')
    const args = plain ? { command: after.trimEnd() } : objectIn(after)
    if (args === undefined) return note('That is no JSON object: nothing was decided.')
    await this.#decide(pending, { verdict: 'edited', args })
  }

  #stopDenying(): void {
    this.#denying = false
    this.#port.retype('')
  }
}

/** Calls of different sessions may have the same name. */
const keyOf = ({ call, of }: PendingApproval): string => `${of?.session ?? ''}/${call}`

/** What needs no approval any more. */
function granted({ name, target, of }: PendingApproval, { scope }: DecideApproval): string {
  const what =
    scope === 'target' && target !== undefined ? `${oneLine(name)} ${oneLine(target)}` : `every ${oneLine(name)}`
  return of === undefined
    ? `Granted for this session: ${what}.`
    : `Granted for the session of ${oneLine(of.path.at(-1) ?? '')}: ${what}.`
}
