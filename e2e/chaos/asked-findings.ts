// What a run has come to for calls that wait for people and for calls of MCP servers, from the whole log, what gateways took, and the
// notes that servers kept. Pure.
//   AF1. A verdict or an answer that a gateway took is in the log, once.
//   AF2. A call that a person has to approve ran if and only if somebody, or a grant, approved it.
//   AF3. A call of a server that must not run twice has been noted once at most; one that is told as done has been noted.
import type { SessionEvent } from '@reins/contracts'
import { bySession, type StoredFrame } from '../harness/stored-log.ts'
import type { Taken } from './decider.ts'
import { mayRunAgain } from './noted-calls.ts'

export interface AskedFindings {
  readonly lost: readonly string[]
  readonly repeated: readonly string[]
  readonly violations: readonly string[]
  readonly counts: Readonly<Record<string, number>>
}

export interface AskedEvidence {
  readonly frames: readonly StoredFrame[]
  readonly taken: readonly Taken[]
  /** `<tool> <id>` for each time that a server was called. */
  readonly notes: readonly string[]
  /** `<session>/<call>` for each time that a shell ran. */
  readonly witnessed: readonly string[]
  /** Whose calls of `shell` wait for people, as those of `once` of their servers do. */
  readonly asking: readonly string[]
}

const counted = [
  'approval.requested',
  'approval.decided',
  'approval.granted',
  'approval.expired',
  'approval.withdrawn',
  'elicitation.requested',
  'elicitation.answered',
  'elicitation.expired',
  'elicitation.withdrawn',
  'elicitation.remembered',
] as const satisfies readonly SessionEvent['type'][]

interface Called {
  readonly name: string
  readonly id: string | undefined
  approved: boolean
  denied: boolean
  done: boolean
}

export function examineAsked({ frames, taken, notes, witnessed, asking }: AskedEvidence): AskedFindings {
  const said = frames.flatMap(({ session, frame }) => frame.events.map((event) => ({ session, event })))
  const types = said.map(({ event }) => event.type)
  const calls = callsOf(frames)
  const sessionsThatAsk = new Set(
    said.flatMap(({ session, event }) =>
      event.type === 'session.started' && asking.includes(event.data.agent) ? [session] : [],
    ),
  )
  const violations: string[] = []
  for (const key of new Set(witnessed)) {
    const one = calls.get(key)
    if (one && sessionsThatAsk.has(key.split('/')[0] ?? '') && !one.approved)
      violations.push(`the tool call ${key} ran, and nobody had approved it`)
    if (one?.denied) violations.push(`the tool call ${key} ran, and a person had denied it`)
  }
  const perId = new Map<string, readonly Called[]>()
  for (const one of calls.values()) if (one.id !== undefined) perId.set(one.id, [...(perId.get(one.id) ?? []), one])
  const repeated: string[] = []
  for (const [id, same] of perId) {
    const noted = notes.filter((line) => line.endsWith(` ${id}`))
    const tool = noted[0]?.split(' ')[0] ?? ''
    if (!mayRunAgain(tool) && noted.length > same.length)
      repeated.push(`${noted[0]} ran ${noted.length} times, and was asked for ${same.length} times`)
    if (tool === 'once' && !same.some(({ approved }) => approved))
      violations.push(`${noted[0]} ran, and nobody had approved it`)
    if (noted.length === 0 && same.some(({ done }) => done))
      violations.push(`the call of a server with the id ${id} is told as done, and never came there`)
  }
  for (const line of notes) if (!perId.has(line.split(' ')[1] ?? '')) violations.push(`${line} ran, and is in no log`)
  return {
    lost: taken.flatMap((one) => lostOf(one, said)),
    repeated,
    violations,
    counts: Object.fromEntries(counted.map((type) => [type, types.filter((other) => other === type).length])),
  }
}

/** By `<session>/<call>`. */
function callsOf(frames: readonly StoredFrame[]): ReadonlyMap<string, Called> {
  const calls = new Map<string, Called>()
  for (const [session, stored] of bySession(frames))
    for (const event of stored.flatMap(({ frame }) => frame.events)) {
      if (event.type === 'model-call.completed')
        for (const block of event.data.content)
          if (block.type === 'tool-call') {
            const { id } = block.arguments
            const named = block.name.startsWith('mcp__') && typeof id === 'string' ? id : undefined
            calls.set(`${session}/${block.call}`, {
              ...{ name: block.name, id: named, approved: false, denied: false, done: false },
            })
          }
      const one = 'call' in event.data ? calls.get(`${session}/${event.data.call}`) : undefined
      if (!one) continue
      if (event.type === 'approval.granted') one.approved = true
      if (event.type === 'approval.decided') one[event.data.verdict === 'denied' ? 'denied' : 'approved'] = true
      if (event.type === 'tool-call.completed') one.done = event.data.status === 'ok'
    }
  return calls
}

/** AF1. */
function lostOf(
  { session, call, said: what, elicitation }: Taken,
  said: readonly { readonly session: string; readonly event: SessionEvent }[],
): readonly string[] {
  const found = said.filter(({ session: of, event }) => {
    if (of !== session) return false
    return elicitation === undefined
      ? event.type === 'approval.decided' && event.data.call === call && event.data.verdict === what
      : event.type === 'elicitation.answered' && event.data.elicitation === elicitation && event.data.action === what
  })
  if (found.length === 1) return []
  return [`${session}: "${what}" about ${call} was taken, and is in the log ${found.length} times`]
}
