import { frameHeaders, sessionSubject, type Status, toLog } from '@reins/contracts'
import { expect, test } from 'vitest'
import { SessionPins } from './session-pins.ts'

const [one, other] = ['01KAA0000000000000000000AA', '01KAA0000000000000000000AB']
const build = (letter: string): string => `sha256-${letter.repeat(64)}`

function world() {
  const pins = new SessionPins()
  const next = new Map<string, number>()
  return {
    pins,
    sorted: () => pins.pinned() && [...(pins.pinned() ?? [])].sort(),
    frame(
      session: string,
      events: readonly (readonly [type: string, data?: object])[],
      { status = 'running', role = 'g', n }: { status?: Status; role?: 'g' | 'e' | 'm'; n?: number } = {},
    ) {
      const at = n ?? (next.get(session) ?? 0) + 1
      next.set(session, at)
      const headers: Record<string, string> = { [frameHeaders.n]: String(at), [frameHeaders.status]: status }
      const body = JSON.stringify({ v: 1, events: events.map(([type, data = {}]) => ({ type, data })) })
      pins.take(
        { subject: sessionSubject(session, role, toLog), body, header: (name) => headers[name] ?? '' },
        () => true,
      )
    },
  }
}

test('whatever a session names it goes by, until an upgrade while it is at rest', () => {
  const { frame, sorted } = world()
  frame(one, [
    ['session.started', { digest: 'a'.repeat(32) }],
    ['agent.configured', { code: { digest: build('a') } }],
  ])
  frame(one, [['turn.started']], { role: 'e' })
  frame(one, [['session.upgraded', { code: { digest: build('b') } }]], { status: 'running' })
  expect(sorted()).toEqual(['a'.repeat(32), build('a'), build('b')])
  frame(one, [['session.upgraded', { code: { digest: build('c') } }]], { status: 'idle' })
  expect(sorted()).toEqual([build('c')])
  frame(one, [['message.sent', { content: `a text with ${build('d')}` }]])
  expect(sorted()).toEqual([build('c'), build('d')])
})

test.each<[string, 'e' | 'm', string]>([
  ['an executor says is an upgrade', 'e', 'session.upgraded'],
  ['an executor says is an erasure', 'e', 'session.erased'],
])('what %s is none', (_what, role, type) => {
  const { frame, sorted } = world()
  frame(one, [['session.started', { digest: build('a') }]])
  frame(one, [[type]], { role, status: 'idle' })
  expect(sorted()).toEqual([build('a')])
})

test('a fork goes by what the other ever named, also once that was upgraded, and until it is upgraded itself', () => {
  const { frame, sorted } = world()
  frame(one, [['session.started', { digest: build('a') }]])
  frame(one, [['session.upgraded', { code: { digest: build('b') } }]], { status: 'idle' })
  frame(other, [['session.forked', { from: one, n: 1 }]], { n: 2 })
  expect(sorted()).toEqual([build('a'), build('b')])
  frame(other, [['session.upgraded', { code: { digest: build('b') } }]], { status: 'idle' })
  expect(sorted()).toEqual([build('b')])
})

test('an erased session goes by nothing, also where nothing of it is there but that', () => {
  const { frame, sorted } = world()
  frame(one, [['session.started', { digest: build('a') }]])
  frame(one, [['session.erased']], { status: 'ended' })
  frame(other, [['session.erased']], { n: 7, status: 'ended' })
  expect(sorted()).toEqual([])
})

test('where older frames of a session lie in the archive, nothing is known, until it is erased', () => {
  const { frame, sorted } = world()
  frame(one, [['session.started', { digest: build('a') }]])
  frame(other, [['session.archived']], { n: 9, role: 'm' })
  expect(sorted()).toBeUndefined()
  frame(other, [['session.erasure-completed']], { role: 'm', status: 'ended' })
  expect(sorted()).toEqual([build('a')])
})
