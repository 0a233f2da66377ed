// The terminal of a chat or a replay: keys in, paint out, and everything put back at the end.
//   T1. `close` undoes raw mode and bracketed paste, however the chat ended; it may be called twice.
//   T2. While it is open, only `paint` writes.
//   T3. An Enter waits a moment for what comes behind it: a paste may arrive in pieces (K4 in keys.ts), and is one message.
import type { CliContext } from '../../context.ts'
import { decodeKeys, type Key, newKeyDecoder } from '../typing/keys.ts'
import type { LiveView } from './live-view.ts'
import { Painter } from './painter.ts'

export interface Terminal {
  columns(): number
  rows(): number
  paint(printed: readonly string[], view: LiveView): void
  clearScreen(): void
  close(): void
}

export interface TerminalEvents {
  readonly onKeys: (keys: readonly Key[]) => void
  readonly onResize: () => void
  /** stdin ended: the terminal is gone. */
  readonly onEnd: () => void
}

/** Nobody types this fast, and a terminal that pastes does not pause this long. */
const pasteGapMs = 20

export function openTerminal(
  context: Pick<CliContext, 'stdin' | 'stdout' | 'sleep'>,
  events: TerminalEvents,
): Terminal {
  const { stdin, stdout } = context
  const columns = () => Math.max(1, stdout.columns || 80)
  const painter = new Painter((text) => stdout.write(text), columns())
  let decoder = newKeyDecoder
  let open = true
  let waiting = ''
  let patience = new AbortController()
  const take = () => {
    const decoded = decodeKeys(decoder, waiting)
    waiting = ''
    decoder = decoded.decoder
    if (decoded.keys.length > 0) events.onKeys(decoded.keys)
  }
  const onData = (chunk: string) => {
    patience.abort()
    waiting += chunk
    if (!/\r\n?$/.test(waiting)) return take()
    patience = new AbortController()
    const { signal } = patience
    void context.sleep(pasteGapMs, signal).then(() => {
      if (open && !signal.aborted) take() // T3
    })
  }
  stdin.setEncoding('utf8')
  stdin.setRawMode?.(true)
  stdout.write('\x1b[?2004h')
  stdin.on('data', onData)
  stdin.on('end', events.onEnd)
  stdout.on('resize', events.onResize)
  stdin.resume()
  return {
    columns,
    rows: () => Math.max(1, stdout.rows || 24),
    paint: (printed, view) => {
      if (open) painter.paint(printed, view, columns())
    },
    clearScreen: () => {
      painter.clear(columns())
      stdout.write('\x1b[2J\x1b[H')
    },
    close: () => {
      if (!open) return
      painter.clear(columns())
      open = false
      stdin.off('data', onData)
      stdin.off('end', events.onEnd)
      stdout.off('resize', events.onResize)
      stdout.write('\x1b[?2004l')
      stdin.setRawMode?.(false)
      stdin.pause()
    },
  }
}
