import type { EventData, ImagePart, ModelMessage, Role, SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { cover, due, evolve, flightOf, offered, plan, projected, statusOf } from '../index.ts'
import { announced } from '../model-call/announced.ts'
import { emptySession, type Session } from '../session.ts'
import { requestCompaction, restoreContext } from './context-controls.ts'
import { compactionEvents } from './outcome.ts'
import { cutPoint } from './range.ts'

const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
const text = (said: string) => [{ type: 'text' as const, text: said }]
const retries = { maxThrottles: 5, baseMs: 1, maxMs: 1 }
const clock = { now: 0, random: 0 }

/** A session whose executor is played by hand. A window of 1,000 tokens is compacted at 700. */
class Played {
  session: Session = emptySession('s')
  n = 0
  readonly said: SessionEvent[] = []

  say(role: Role, ...events: readonly SessionEvent[]): this {
    this.n++
    for (const event of events) {
      this.session = evolve(this.session, event, { role, n: this.n, at: 0, by: 'e1' })
      this.said.push(event)
    }
    return this
  }

  /** What is due is done, with an outcome before it, until something is in flight or nothing is due. */
  go(...outcome: readonly SessionEvent[]): this {
    for (let first: readonly SessionEvent[] = outcome; ; first = []) {
      const next = plan(this.session, first, { n: this.n + 1, at: 0, by: 'e1' }, true)
      if (!next) return this
      this.n++
      const recipe = {
        ...{ digest: 'd', parts: { system: 's', tools: 't', messages: 'm' }, messages: 1, answer: 50 },
        ...{ fixed: 10, window: 1_000, tokens: 10 + tokens(projected(next.after)) },
      }
      const size = { tokens: recipe.tokens, answer: recipe.answer }
      const said = next.effect?.kind === 'compact' ? { size } : { recipe, size }
      const done = announced(next, this.session, said, { n: this.n, at: 0, by: 'e1' })
      this.session = done.after
      this.said.push(...done.events)
      if (next.effect) return this
    }
  }

  message(said: string, images: ImagePart[] = []): this {
    const message = `m${this.n + 1}`
    return this.say(
      'g',
      { type: 'message.received', data: { message, content: text(said), onBusy: 'queue' } },
      ...(images.length === 0 ? [] : [{ type: 'images.attached' as const, data: { message, images } }]),
    ).go()
  }

  /** The model answers what it is asked. */
  answer(content: EventData<'model-call.completed'>['content']): this {
    const flight = this.flight()
    const finish = content.some(({ type }) => type === 'tool-call') ? ('tool-calls' as const) : ('stop' as const)
    const data = { call: flight.call, attempt: flight.attempt, content, usage, finish }
    return this.go({ type: 'model-call.completed', data })
  }

  turn(asked: string, answered: string): this {
    this.message(asked)
    if (this.flight().kind === 'compact') this.summarise('So far so good.')
    return this.answer(text(answered))
  }

  tool(output: string, args: Record<string, unknown> = {}): this {
    const call = `k${this.n + 1}`
    this.answer([{ type: 'tool-call', call, name: 'look', arguments: args }])
    return this.say('t', { type: 'tool-call.completed', data: { call, attempt: 1, status: 'ok', output } }).go()
  }

  summarise(said: string): this {
    return this.go(
      ...compactionEvents(this.session, this.flight(), { kind: 'completed', text: said, usage }, clock, retries),
    )
  }

  refuse(code: 'auth' | 'overloaded'): this {
    const failure = { type: 'failed' as const, code, message: 'No.' }
    return this.go(...compactionEvents(this.session, this.flight(), { kind: 'failed', failure }, clock, retries))
  }

  overflow(): this {
    const { call, attempt } = this.flight()
    const error = { code: 'context-overflow' as const, message: 'Too long.' }
    return this.go({ type: 'model-call.failed', data: { call, attempt, error } })
  }

  flight() {
    const flight = flightOf(this.session)
    if (!flight) throw new Error(`nothing is in flight: ${this.types().slice(-5)}`)
    return flight
  }

  types(): readonly string[] {
    return this.said.map(({ type }) => type)
  }

  last<T extends SessionEvent['type']>(type: T): EventData<T> {
    const found = this.said.findLast((event) => event.type === type)
    if (!found) throw new Error(`no ${type}`)
    return found.data as EventData<T>
  }
}

const tokens = (messages: readonly ModelMessage[]): number => Math.ceil(JSON.stringify(messages).length / 4)

function started(settings?: EventData<'context.declared'>, tools: readonly string[] = ['look']): Played {
  return new Played().say(
    'g',
    {
      type: 'session.started',
      data: {
        ...{ agent: 'a', digest: 'd', model: 'lab/m', pools: { executor: 'p', tools: 'p' } },
        ...{ limits: { maxToolCalls: 100 }, tools: Object.fromEntries(tools.map((name) => [name, 'safe' as const])) },
      },
    },
    ...(settings ? [{ type: 'context.declared' as const, data: settings }] : []),
  )
}

const long = (word: string) => `${word} `.repeat(80)

/** So long that the next message fills the window. */
function full(settings?: EventData<'context.declared'>): Played {
  const played = started(settings)
  for (let turn = 0; turn < 20; turn++) {
    played.message(long(`q${turn}`))
    if (played.flight().kind === 'compact') return played
    played.answer(text(long(`a${turn}`)))
  }
  throw new Error('it never fills')
}

test('a session whose window fills is compacted before its next model call, and then goes on', () => {
  const played = full()
  const { compaction, from, to, reason, model } = played.last('context.compaction-started')
  expect({ compaction, from, reason, model }).toEqual({
    compaction: `x${played.n}`,
    from: 0,
    reason: 'threshold',
    model: 'lab/m',
  })
  expect(statusOf(played.session)).toBe('running')
  expect(cover(played.session)).toEqual([{ kind: 'exec-trigger', why: 'a summary is being made' }])
  const before = projected(played.session)
  played.summarise('They said q and a.')
  expect(played.last('context.compacted')).toMatchObject({ compaction, from: 0, to, how: 'summary' })
  const after = projected(played.session)
  expect(JSON.stringify(after[0])).toContain('They said q and a.')
  expect(after.slice(1)).toEqual(before.slice(to))
  expect(played.flight().kind).toBe('call-model')
  expect(played.session.sent?.size.tokens).toBeLessThan(700)
})

test('what is sent is the same objects from call to call, so that it is serialised and hashed once', () => {
  const played = full().summarise('S.')
  const [summary, ...rest] = projected(played.session)
  played.answer(text('done')).message('and?')
  const again = projected(played.session)
  expect(again[0]).toBe(summary)
  for (const [at, message] of rest.entries()) expect(again[at + 1]).toBe(message)
})

test('a call is never parted from its result, wherever a conversation is cut', () => {
  const played = started().message('Go.')
  for (let step = 0; step < 4; step++) played.tool(`r${step}`)
  for (let keep = 0; keep < 200; keep += 7) {
    const cut = cutPoint(played.session, keep)
    expect(cut && played.session.transcript.at(cut.to)?.role).not.toBe('tool')
  }
})

test('a call is not parted from its result by what a person said while it ran', () => {
  const played = started().message('Look.')
  const { call, attempt } = played.flight()
  const asked = [{ type: 'tool-call' as const, call: 'k', name: 'look', arguments: {} }]
  played.say('g', { type: 'message.received', data: { message: 'm-more', content: text('More.'), onBusy: 'join' } })
  played.go({ type: 'model-call.completed', data: { call, attempt, content: asked, usage, finish: 'tool-calls' } })
  played.say('t', { type: 'tool-call.completed', data: { call: 'k', attempt: 1, status: 'ok', output: 'seen' } }).go()
  played.tool('seen again')
  const roles = played.session.transcript.toArray().map(({ role }) => role)
  expect(roles).toEqual(['user', 'assistant', 'user', 'tool', 'assistant', 'tool'])
  for (let keep = 0; keep < 100; keep++) expect([1, 4]).toContain(cutPoint(played.session, keep)?.to)
})

test('old results are cut first, and where that makes enough room nobody is asked for a summary', () => {
  const played = started().message('Go.')
  for (let step = 0; step < 3; step++) {
    played.tool('x'.repeat(800), { step })
    if (played.types().includes('context.pruned')) break
  }
  expect(played.types()).toContain('context.pruned')
  expect(played.types()).not.toContain('context.compaction-started')
  expect(JSON.stringify(projected(played.session))).toContain('more characters of this old result were left out')
})

test('the instructions of a skill are not cut with other results: it may be in use', () => {
  const played = started({ compactAt: 0.9 }, ['look', 'use_skill']).message('Go.')
  played.answer([{ type: 'tool-call', call: 'k0', name: 'use_skill', arguments: { name: 's' } }])
  const output = 'y'.repeat(300)
  played.say('t', { type: 'tool-call.completed', data: { call: 'k0', attempt: 1, status: 'ok', output } }).go()
  for (let step = 0; step < 4; step++) played.tool('x'.repeat(800), { step })
  expect(played.types()).toContain('context.pruned')
  const sent = projected(played.session).flatMap((message) => (message.role === 'tool' ? [message.output] : []))
  expect([sent[0], sent[1]?.length]).toEqual([output, expect.any(Number)])
  expect(sent[1]).toContain('were left out')
})

test('a long turn keeps its message word for word, and the model is told when it goes round in a circle', () => {
  const images = [{ type: 'image' as const, mimeType: 'image/png', ref: 'sha256-1', bytes: 9 }]
  const played = started({ compactAt: 0.3 }).message('Find the needle.', images)
  for (let step = 0; step < 30 && flightOf(played.session)?.kind !== 'compact'; step++)
    played.tool(`nothing ${step} `.repeat(8), { step })
  played.summarise('I looked in many places.')
  expect(projected(played.session)[0]).toMatchObject({ content: [{}, { text: 'Find the needle.' }], images })
  expect(offered(played.session).notices).toEqual([])
  played.tool('again', { step: 0 })
  expect(offered(played.session).notices).toEqual([expect.stringContaining('called look with exactly these arguments')])
  played.tool('new', { step: 99 })
  expect(offered(played.session).notices).toEqual([])
})

test('what an earlier turn was about is summarised, and is not what the next one works on', () => {
  const played = started({ compactAt: 0.3 }).message('x'.repeat(1_600)).answer(text('done'))
  played.message('Two.').summarise('One was done.')
  expect(played.last('context.compacted').keepsMessage).toBe(false)
  const sent = projected(played.session)
  expect(JSON.stringify(sent[0])).not.toContain('word for word')
  expect(sent.at(-1)).toMatchObject({ role: 'user', content: [{ text: 'Two.' }] })
})

test('a message that takes more than half of the room is summarised with the rest', () => {
  const said = (length: number) => {
    const played = started({ compactAt: 0.3 }).message('x'.repeat(length))
    for (let step = 0; step < 30 && flightOf(played.session)?.kind !== 'compact'; step++)
      played.tool(`nothing ${step} `.repeat(8), { step })
    return played.summarise('Much was said.').last('context.compacted').keepsMessage
  }
  expect([said(40), said(2_400)]).toEqual([true, false])
})

test('a provider that refuses a request as too long is asked again with less, and in the end the turn fails', () => {
  const played = started()
    .message(long('one'))
    .answer(text(long('two')))
    .message('three')
    .overflow()
  expect(played.last('context.compaction-started').reason).toBe('overflow')
  played.summarise('one, two')
  expect(played.flight().kind).toBe('call-model')
  expect(played.types().filter((type) => type === 'turn.completed')).toHaveLength(1)
  played.overflow()
  expect(played.last('turn.failed').error.code).toBe('context-overflow')
})

test('an overflow in the middle of a turn never ends the turn by the answer before it', () => {
  const played = started().message('Go.')
  played.tool('r'.repeat(100)).tool('s'.repeat(100)).overflow().summarise('S.')
  expect(played.flight().kind).toBe('call-model')
  expect(played.types()).not.toContain('turn.completed')
})

test.each(['auth', 'overloaded'] as const)(
  'where there is no summary (%s) a note stands in its place, and the session goes on',
  (code) => {
    const played = full()
    for (let at = 0; at < 9 && flightOf(played.session)?.kind === 'compact'; at++) {
      played.refuse(code)
      const { open } = played.session.context ?? {}
      if (open?.kind === 'throttled') {
        expect(cover(played.session)).toEqual([{ kind: 'timer', timer: open.timer }])
        played.say('m', { type: 'timer.fired', data: { timer: open.timer } }).go()
      }
    }
    expect(played.last('context.compacted')).toMatchObject({ how: 'dropped' })
    expect(played.last('context.compacted').summary).toContain('could not be summarised: No.')
    expect(played.flight().kind).toBe('call-model')
  },
)

test('an attempt that is lost with its process is followed by the next; what the first one says later changes nothing', () => {
  const played = full()
  const { call } = played.flight()
  const late = compactionEvents(
    played.session,
    played.flight(),
    { kind: 'completed', text: 'late', usage },
    clock,
    retries,
  )
  const error = { code: 'lost' as const, message: 'gone' }
  played.go({ type: 'context.compaction-failed', data: { compaction: call, attempt: 1, error } })
  expect(played.flight()).toMatchObject({ kind: 'compact', call, attempt: 2 })
  const before = played.session
  expect(played.say('e', ...late).session).toBe(before)
})

test('one that is lost again and again is done without', () => {
  const played = full()
  for (let attempt = 1; attempt <= 5; attempt++) {
    const error = { code: 'lost' as const, message: 'gone' }
    played.go({ type: 'context.compaction-failed', data: { compaction: played.flight().call, attempt, error } })
  }
  expect(played.last('context.compacted').how).toBe('dropped')
})

test('a cancel ends it with the turn', () => {
  const played = full()
    .say('g', { type: 'cancel.requested', data: { cancel: 'x' } })
    .go()
  expect(played.types().slice(-2)).toEqual(['context.compaction-failed', 'turn.cancelled'])
  expect(played.session).toMatchObject({ cancel: null, turn: null, context: { open: null } })
  expect(statusOf(played.session)).toBe('idle')
})

test('two at once, one that splits a pair, and one that is not the open one change nothing', () => {
  const played = full()
  const { session } = played
  const data = { ...played.last('context.compaction-started'), compaction: 'other', attempt: 1 }
  expect(played.say('e', { type: 'context.compaction-started', data }).session).toBe(session)
  const { from, to, reason: _reason, model: _model, ...of } = played.last('context.compaction-started')
  const wrong: EventData<'context.compacted'> = { ...of, from, to: to + 1, how: 'summary', summary: 'too much' }
  expect(played.say('e', { type: 'context.compacted', data: wrong }).session).toBe(session)
  const tools = started().message('Go.').tool('r')
  const split: SessionEvent = {
    type: 'context.compaction-started',
    data: { compaction: 'x1', attempt: 1, from: 0, to: 2, reason: 'asked', model: 'lab/m' },
  }
  const { session: before } = tools
  expect(tools.say('e', split).session).toBe(before)
})

test('a person asks for it and undoes it; then only what does not fit at all is compacted by itself', () => {
  const played = started().turn('one', 'two').turn('three', 'four')
  const fold = () => ({ session: played.session, head: { ...head, status: 'idle' as const } })
  const asked = requestCompaction(fold(), 'r1')
  if (asked.kind !== 'append') throw new Error('refused')
  expect(asked.decision.to).toEqual({ kind: 'exec', pool: 'p' })
  played.say('g', ...asked.decision.events).go()
  expect(statusOf(played.session)).toBe('running')
  expect(requestCompaction(fold(), 'r2').kind).toBe('unchanged')
  expect(restoreContext(fold())).toMatchObject({ kind: 'refused', code: 'session_conflict' })
  const before = projected(played.session)
  played.summarise('Four things.')
  expect(statusOf(played.session)).toBe('idle')
  expect(due(played.session, 99)).toBeNull()
  expect(projected(played.session)).not.toEqual(before)
  const undone = restoreContext(fold())
  if (undone.kind !== 'append') throw new Error('refused')
  played.say('g', ...undone.decision.events)
  expect(projected(played.session)).toEqual(before)
  expect(played.session.context?.held).toBe(true)
  expect(restoreContext(fold())).toMatchObject({ kind: 'refused' })
})

test('a conversation that is too short has nothing to leave out', () => {
  const fold = { session: started().session, head: { ...head, status: 'idle' as const } }
  expect(requestCompaction(fold, 'r1')).toMatchObject({ kind: 'refused', code: 'session_conflict' })
})

test('a session of very many turns stays as small as what its model is sent', () => {
  const played = started()
  let most = 0
  for (let turn = 0; turn < 300; turn++) {
    played.turn(long(`q${turn}`), long(`a${turn}`))
    most = Math.max(most, played.session.transcript.length)
  }
  expect(most).toBeLessThan(60)
  expect(JSON.stringify(played.session).length).toBeLessThan(40_000)
  expect(played.types().filter((type) => type === 'context.compacted').length).toBeGreaterThan(20)
})

const head = { session: 's', seq: 9, n: 9, hash: 'h', needs: 1, status: 'idle' as const, pool: 'p' }
