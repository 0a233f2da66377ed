// The answers and tool outputs that are being made right now, rebuilt from deltas. Pure.
//   O1. Which call and attempt is open is what the log says; a delta of any other is dropped.
//   O2. What is accepted of a block is contiguous: repeats are cut off, a gap is reported and never papered over.
//   O3. A delta whose call the log has not shown yet waits, for the frame that opens it may come a moment later.
import type { AnswerRestarted, Delta, Place, SessionEvent } from '@reins/contracts'
import type { LiveDelta } from '@reins/journal'

export interface OpenBlock {
  readonly session: string
  readonly call: string
  readonly attempt: number
  readonly block: number
  readonly kind: Delta['kind']
  readonly tool?: string
  readonly toolCall?: string
  /** Offset of the first character that is known; beyond 0 where the beginning was too long to keep. */
  readonly start: number
  readonly text: string
}

export type Accepted =
  | { readonly kind: 'new'; readonly session: string; readonly delta: Delta }
  | { readonly kind: 'nothing' }
  /** Characters are missing before it. */
  | { readonly kind: 'gap' }

interface Block {
  readonly kind: Delta['kind']
  readonly tool: string | undefined
  readonly toolCall: string | undefined
  start: number
  text: string
  broken: boolean
}

interface Open {
  readonly session: string
  readonly call: string
  readonly attempt: number
  /** epoch ms: when the last of it came that continues what is known; before, when it was opened, by the writer of that. */
  heardAt: number
  readonly blocks: Map<number, Block>
}

const maxKept = 2_000_000
const maxWaiting = 1024
const maxClosed = 512

export class OpenAnswers {
  readonly #open = new Map<string, Open>()
  readonly #closed = new Set<string>()
  /** The one that the last delta belonged to, if it is still open: nearly always the one of the next. */
  #last: Open | undefined
  #waiting: LiveDelta[] = []

  /** What the event means for what is open; the result is what clients are told where an attempt that was shown is void. */
  see(session: string, event: SessionEvent, at: number): AnswerRestarted['data'] | undefined {
    switch (event.type) {
      case 'model-call.started':
      case 'tool-call.started':
        return this.#begin(session, event.data.call, event.data.attempt, at)
      case 'tool-calls.requested':
        for (const { call } of event.data.calls) this.#begin(session, call, 1, at)
        return undefined
      case 'model-call.completed':
      case 'tool-call.completed':
      case 'tool-call.cancelled':
      case 'tool-call.outcome-unknown':
        this.#end(session, event.data.call)
        return undefined
      case 'model-call.failed':
        // Failed for good, or the next attempt begins in this frame or a later one; what was shown stays until then.
        if (event.data.error.code === 'cancelled') this.#end(session, event.data.call)
        return undefined
      case 'turn.completed':
      case 'turn.failed':
      case 'turn.cancelled':
      case 'session.ended':
        for (const open of [...this.#open.values()]) if (open.session === session) this.#end(session, open.call)
        return undefined
      default:
        return undefined
    }
  }

  /** `now`: epoch ms. */
  accept(live: LiveDelta, now: number): Accepted {
    const { session, role, delta } = live
    if ((role === 't') !== (delta.kind === 'output')) return { kind: 'nothing' }
    const open = this.#openOf(session, delta.call)
    if (open === 'closed') return { kind: 'nothing' }
    if (!open || delta.attempt > open.attempt) {
      if (this.#waiting.length < maxWaiting) this.#waiting.push(live) // O3
      return { kind: 'nothing' }
    }
    if (delta.attempt < open.attempt) return { kind: 'nothing' } // O1
    const accepted = this.#extend(open, delta)
    if (accepted.kind === 'new') open.heardAt = now
    return accepted
  }

  #openOf(session: string, call: string): Open | 'closed' | undefined {
    const last = this.#last
    if (last && last.session === session && last.call === call) return last
    const key = `${session}/${call}`
    const open = this.#open.get(key)
    if (!open) return this.#closed.has(key) ? 'closed' : undefined
    this.#last = open
    return open
  }

  /** Those that waited for what has been seen since. */
  takeWaiting(): readonly LiveDelta[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  /** What is missing cannot be found: nothing more of this block is shown (the event that closes it brings the whole). */
  giveUp({ session, delta }: LiveDelta): void {
    const open = this.#open.get(`${session}/${delta.call}`)
    if (open?.attempt === delta.attempt) blockOf(open, delta).broken = true
  }

  /** Nothing that was published before, and belongs to what is open, is missing here; undefined: nothing is open. */
  lackingSince(): number | undefined {
    let oldest: number | undefined
    for (const { heardAt } of this.#open.values()) oldest = Math.min(oldest ?? heardAt, heardAt)
    return oldest
  }

  blocks(): readonly OpenBlock[] {
    return [...this.#open.values()].flatMap(({ session, call, attempt, blocks }) =>
      [...blocks]
        .filter(([, { broken }]) => !broken)
        .sort(([a], [b]) => a - b)
        .map(([block, { kind, tool, toolCall, start, text }]) => ({
          ...{ session, call, attempt, block, kind, start, text },
          ...(tool === undefined ? {} : { tool }),
          ...(toolCall === undefined ? {} : { toolCall }),
        })),
    )
  }

  /** How far each open answer is known here: where whoever has been shown all of it stands. */
  places(): readonly Place[] {
    const places: Place[] = []
    for (const { session, call, attempt, blocks } of this.#open.values()) {
      let last: { readonly at: number; readonly offset: number } | undefined
      for (const [at, { start, text }] of blocks) {
        const offset = start + text.length
        if (offset > 0 && at >= (last?.at ?? 0)) last = { at, offset }
      }
      if (last) places.push({ session, call, attempt, block: last.at, offset: last.offset })
    }
    return places
  }

  #begin(session: string, call: string, attempt: number, at: number): AnswerRestarted['data'] | undefined {
    const key = `${session}/${call}`
    const before = this.#open.get(key)
    if (before && before.attempt >= attempt) return undefined
    this.#closed.delete(key)
    this.#last = undefined
    this.#open.set(key, { session, call, attempt, heardAt: at, blocks: new Map() })
    return before && before.blocks.size > 0 ? { call, attempt } : undefined
  }

  #end(session: string, call: string): void {
    const key = `${session}/${call}`
    this.#open.delete(key)
    this.#last = undefined
    this.#closed.add(key)
    if (this.#closed.size <= maxClosed) return
    for (const oldest of this.#closed) {
      this.#closed.delete(oldest)
      return
    }
  }

  #extend(open: Open, delta: Delta): Accepted {
    const block = blockOf(open, delta)
    if (block.broken) return { kind: 'nothing' }
    const end = block.start + block.text.length
    if (delta.offset > end) return { kind: 'gap' }
    const text = delta.offset === end ? delta.text : delta.text.slice(end - delta.offset)
    if (text === '') return { kind: 'nothing' } // O2
    block.text += text
    if (block.text.length > maxKept) {
      block.start += block.text.length
      block.text = ''
    }
    return { kind: 'new', session: open.session, delta: delta.offset === end ? delta : { ...delta, offset: end, text } }
  }
}

function blockOf(open: Open, delta: Delta): Block {
  const known = open.blocks.get(delta.block)
  if (known) return known
  const { kind, tool, toolCall } = delta
  const block: Block = { kind, tool, toolCall, start: 0, text: '', broken: false }
  open.blocks.set(delta.block, block)
  return block
}
