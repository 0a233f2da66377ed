// Plays a session: by its clock, or a key at a time. Without a terminal it prints what there is to print, without waiting.
import type { ApiEvent } from '@reins/contracts'
import { follow, newTranscript, type Transcript } from '@reins/transcript'
import type { CliContext } from '../context.ts'
import { cut } from '../text/cells.ts'
import type { Style } from '../text/style.ts'
import { liveView } from './painting/live-view.ts'
import { type ReplayStep, replaySchedule } from './replay-schedule.ts'
import { ChatScreen } from './painting/screen.ts'
import { openTerminal } from './painting/terminal.ts'

export interface ReplayOptions {
  readonly context: CliContext
  readonly style: Style
  readonly events: readonly ApiEvent[]
  readonly speed: number
  readonly byKey: boolean
  readonly signal: AbortSignal
}

export async function playReplay(options: ReplayOptions): Promise<void> {
  const interactive = options.context.stdout.isTTY === true && options.context.stdin.isTTY === true
  if (interactive) await playOnTerminal(options)
  else printAll(options)
}

function printAll({ context, style, events }: ReplayOptions): void {
  const screen = new ChatScreen(style)
  const width = context.stdout.columns || 80
  let transcript = newTranscript
  for (const event of events) {
    const followed = follow(transcript, event)
    transcript = followed.transcript
    for (const piece of followed.pieces) for (const line of screen.take(piece, width)) context.stdout.write(`${line}\n`)
  }
}

async function playOnTerminal(options: ReplayOptions): Promise<void> {
  const { context, style, byKey } = options
  const screen = new ChatScreen(style)
  const steps: readonly ReplayStep[] = byKey
    ? options.events.map((event) => ({ waitMs: 0, at: event.at, item: event }))
    : replaySchedule(options.events, { speed: options.speed })
  let transcript: Transcript = newTranscript
  let shownAt = steps[0]?.at ?? 0
  let next = Promise.withResolvers<void>()
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const leave = () => {
    stop.abort()
    next.resolve()
  }
  options.signal.addEventListener('abort', leave, { once: true })
  const paint = (printed: readonly string[], label: string) => {
    const width = Math.max(1, terminal.columns() - 1)
    const state = { transcript, sending: [], connection: 'there' as const }
    const rows = terminal.rows() - 1
    const view = liveView(
      state,
      screen.growing(width, transcript.tools.length > 0),
      { width, rows: Math.max(1, rows - 1) },
      shownAt,
      style,
    )
    terminal.paint(printed, { lines: rows > 1 ? [...view.lines, cut(style.dim(label), width)] : view.lines })
  }
  let label = ''
  const terminal = openTerminal(context, {
    onKeys: (keys) => {
      for (const key of keys) {
        if (key.kind === 'text' && /^[qQ]/.test(key.text)) leave()
        else if (key.kind === 'key' && (key.name === 'interrupt' || key.name === 'end-of-input')) leave()
        else next.resolve()
      }
    },
    onResize: () => paint([], label),
    onEnd: leave,
  })
  try {
    for (const [index, step] of steps.entries()) {
      if (!byKey) await context.sleep(step.waitMs, signal)
      if (signal.aborted) return
      shownAt = step.at
      const followed = follow(transcript, step.item)
      transcript = followed.transcript
      const printed = followed.pieces.flatMap((piece) => screen.take(piece, terminal.columns()))
      const place = `${index + 1}/${steps.length} ${step.item.type}`
      label = byKey ? `${place} · any key: next · q: leave` : `▶ ${options.speed}x · q: leave`
      paint(printed, label)
      if (byKey) {
        next = Promise.withResolvers<void>()
        await next.promise
        if (signal.aborted) return
      }
    }
  } finally {
    options.signal.removeEventListener('abort', leave)
    terminal.close()
  }
}
