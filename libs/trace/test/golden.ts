// The golden journals of libs/session: sessions as they were recorded. Their spans are what a trace of each of them is.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { decodeFrame, knownEvents, parseSessionSubject } from '@reins/contracts'
import type { SpanFrame } from '@reins/trace'

interface Golden {
  readonly id: string
  readonly frames: readonly {
    readonly seq: number
    readonly subject: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }[]
}

const folder = path.join(import.meta.dirname, '..', '..', 'session', 'golden')
export const goldenNames: readonly string[] = readdirSync(folder).map((file) => file.replace('.golden.json', ''))

export function goldenFrames(name: string): readonly SpanFrame[] {
  const golden: Golden = JSON.parse(readFileSync(path.join(folder, `${name}.golden.json`), 'utf8'))
  return golden.frames.map(({ seq, subject, headers, body }) => {
    const role = parseSessionSubject(subject)?.role ?? 'g'
    const frame = decodeFrame({ seq, role, body, header: (header) => headers[header] ?? '' })
    const { n, at, by, trace } = frame
    // A fork has frames of another session as its own.
    return { session: golden.id, n, at, by, trace, seq, events: knownEvents(frame) }
  })
}
