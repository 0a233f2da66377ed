// What the page shows of one session: the pieces of its transcript as a list of items, each with a key that stays. Pure.
//   TH1. An item never changes its place. What grows (an answer, the output of a command) changes its item alone.
//   TH2. An answer that starts anew takes what was shown of it away: it is void.
//   TH3. A hint (it waits for a slot, a tool is slow) is gone as soon as something else is said.
import type { PlanStep, StreamItem } from '@reins/contracts'
import {
  type ControlHint,
  follow,
  newTranscript,
  type Piece,
  type RunningTool,
  type ToolOutcome,
  type Transcript,
} from '@reins/transcript'

export interface ToolItem {
  readonly kind: 'tool'
  readonly key: string
  readonly call: string
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
  /** It runs, or waits for a person; absent: it has ended. */
  readonly running?: RunningTool
  readonly outcome?: ToolOutcome
  readonly ms?: number
  readonly output: string
  /** Names the whole output, where `output` is a part of it. */
  readonly ref?: string
}

export interface TurnItem {
  readonly kind: 'turn'
  readonly key: string
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly ms: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly usd?: number
}

export type Item =
  | {
      readonly kind: 'message'
      readonly key: string
      readonly message: string
      readonly text: string
      readonly note?: string
    }
  | { readonly kind: 'answer' | 'reasoning'; readonly key: string; readonly text: string; readonly open: boolean }
  | ToolItem
  | { readonly kind: 'plan'; readonly key: string; readonly steps: readonly PlanStep[] }
  | {
      readonly kind: 'notice'
      readonly key: string
      readonly level: 'info' | 'warning' | 'error'
      readonly text: string
      readonly control?: ControlHint
    }
  | { readonly kind: 'hint'; readonly key: string; readonly text: string }
  | TurnItem

export interface Thread {
  readonly transcript: Transcript
  readonly items: readonly Item[]
  /** Of the model that answers. */
  readonly model?: string
  /** Keys that were given. */
  readonly made: number
}

export const newThread: Thread = { transcript: newTranscript, items: [], made: 0 }

export function followThread(thread: Thread, item: StreamItem): Thread {
  const { transcript, pieces } = follow(thread.transcript, item)
  if (transcript === thread.transcript && pieces.length === 0) return thread
  let next: Thread = { ...thread, transcript }
  for (const piece of pieces) next = take(next, piece)
  return withRunning(next, thread.transcript)
}

/** As it is added: its key comes with it. */
type Fresh = Item extends infer One ? (One extends Item ? Omit<One, 'key'> : never) : never

function add(thread: Thread, fresh: Fresh): Thread {
  const items = thread.items.at(-1)?.kind === 'hint' ? thread.items.slice(0, -1) : thread.items // TH3
  return {
    ...thread,
    items: [...items, { ...fresh, key: `${fresh.kind}-${thread.made}` } as Item],
    made: thread.made + 1,
  }
}

function take(thread: Thread, piece: Piece): Thread {
  switch (piece.kind) {
    case 'started':
      return { ...thread, model: piece.model }
    case 'message':
      return add(thread, {
        kind: 'message',
        message: piece.message,
        text: piece.text,
        ...(piece.note === undefined ? {} : { note: piece.note }),
      })
    case 'text':
      return grow(thread, 'answer', piece.text)
    case 'reasoning':
      return grow(thread, 'reasoning', piece.text)
    case 'answer-ended':
      return closeAnswer(thread)
    case 'restarted':
      return { ...thread, items: thread.items.filter((item) => !isOpen(item)) } // TH2
    case 'queued':
      return add(thread, { kind: 'hint', text: queuedText(piece.ahead, piece.throttled) })
    case 'slow':
      return add(thread, { kind: 'hint', text: `${piece.name} has shown nothing for a while. It goes on.` })
    case 'tool':
      return endTool(thread, piece)
    case 'plan':
      return add(thread, { kind: 'plan', steps: piece.steps })
    case 'notice': {
      const { level, text, control } = piece
      return add(thread, { kind: 'notice', level, text, ...(control === undefined ? {} : { control }) })
    }
    case 'turn-ended': {
      const { status, ms, inputTokens, outputTokens, usd } = piece
      return add(closeTools(thread), {
        ...{ kind: 'turn', status, ms, inputTokens, outputTokens },
        ...(usd === undefined ? {} : { usd }),
      })
    }
    default:
      return piece satisfies never
  }
}

const isOpen = (item: Item): boolean => (item.kind === 'answer' || item.kind === 'reasoning') && item.open

function grow(thread: Thread, kind: 'answer' | 'reasoning', text: string): Thread {
  const last = thread.items.at(-1)
  if (last?.kind !== kind || !last.open) return add(thread, { kind, text, open: true })
  return { ...thread, items: [...thread.items.slice(0, -1), { ...last, text: last.text + text }] }
}

function closeAnswer(thread: Thread): Thread {
  if (!thread.items.some(isOpen)) return thread
  return { ...thread, items: thread.items.map((item) => (isOpen(item) ? ({ ...item, open: false } as Item) : item)) }
}

function endTool(thread: Thread, { call, name, input, outcome, ms, output, ref }: Piece & { kind: 'tool' }): Thread {
  const ended: Omit<ToolItem, 'key'> = {
    ...{ kind: 'tool', call, name, input, outcome, output },
    ...(ms === undefined ? {} : { ms }),
    ...(ref === undefined ? {} : { ref }),
  }
  const at = thread.items.findLastIndex((item) => item.kind === 'tool' && item.call === call)
  const before = thread.items[at]
  if (before === undefined) return add(thread, ended)
  return { ...thread, items: thread.items.with(at, { ...ended, key: before.key }) }
}

/** A turn that ended left none of its calls running. */
function closeTools(thread: Thread): Thread {
  if (!thread.items.some((item) => item.kind === 'tool' && item.running)) return thread
  const items = thread.items.map((item): Item => {
    if (item.kind !== 'tool' || !item.running) return item
    const { running: _, ...rest } = item
    return { ...rest, outcome: 'cancelled' }
  })
  return { ...thread, items }
}

/** Calls that run, each where it was asked for (TH1). */
function withRunning(thread: Thread, before: Transcript): Thread {
  if (thread.transcript.tools === before.tools) return thread
  let next = thread
  for (const running of thread.transcript.tools) {
    const at = next.items.findLastIndex((item) => item.kind === 'tool' && item.call === running.call)
    const item = next.items[at]
    const { call, name, input } = running
    if (item?.kind !== 'tool') next = add(next, { kind: 'tool', call, name, input, running, output: '' })
    else if (item.running !== running)
      next = {
        ...next,
        items: next.items.with(at, { kind: 'tool', key: item.key, call, name, input, running, output: '' }),
      }
  }
  return next
}

function queuedText(ahead: number, throttled: string | undefined): string {
  const others = ahead === 0 ? '' : ahead === 1 ? ' after 1 other' : ` after ${ahead} others`
  const why = throttled === undefined ? 'All slots for model calls are taken.' : `Throttled: ${throttled}.`
  return `${why} This session is next${others}. It goes on by itself.`
}
