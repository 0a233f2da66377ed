// Answers that nobody has written down: generated, said in the ways of many servers, cut, and broken.
//   Z1. Said in any way that names its calls, an answer comes out as it went in, wherever its bytes are cut.
//   Z2. Broken in any way (events missing, doubled, out of order, fields missing, null or of another type), it comes to exactly one
//       outcome, throws nothing, and no call has arguments that its model did not write.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collect } from './contract.ts'
import { type Case, providerOf, requestOf, resultOf, tools } from './corpus.ts'
import { bytes, fakeTransport } from './fake-transport.ts'

interface Told {
  readonly reasoning: string
  readonly text: string
  readonly calls: readonly { readonly name: string; readonly args: Record<string, unknown> }[]
}

// Letters of one to four bytes, what JSON escapes, and no space at the ends: templates put some there.
const piece = fc.string({
  unit: fc.constantFrom('a', 'b', '"', '\\', '{', '}', 'é', '日', '😀', '\n', ' '),
  maxLength: 12,
})
const words = piece.map((text) => `w${text}w`)
const call = fc.record({
  name: fc.constantFrom('read_file', 'grep', 'write_file'),
  args: fc.dictionary(fc.constantFrom('path', 'pattern', 'content'), words, { minKeys: 1 }),
})
const answer: fc.Arbitrary<Told> = fc.record({
  reasoning: fc.oneof(fc.constant(''), words),
  text: words,
  calls: fc.array(call, { maxLength: 3 }),
})
const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 9 }))

function cutText(text: string, size: Iterator<number>): string[] {
  const parts: string[] = []
  for (let at = 0; at < text.length; ) {
    const length = size.next().value ?? 4
    parts.push(text.slice(at, at + length))
    at += length
  }
  return parts
}

/** How servers tell calls apart; each of them says enough. */
const manners = ['index and id', 'index', 'id', 'index 0 and ids', 'whole, by name', 'object'] as const
type Manner = (typeof manners)[number]

function chatEvents({ reasoning, text, calls }: Told, manner: Manner, size: Iterator<number>): unknown[] {
  const chunk = (delta: unknown, finish_reason: unknown = null) => ({ choices: [{ index: 0, delta, finish_reason }] })
  const events: unknown[] = []
  for (const part of cutText(reasoning, size)) events.push(chunk({ reasoning_content: part }))
  for (const part of cutText(text, size)) events.push(chunk({ content: part }))
  for (const [at, { name, args }] of calls.entries()) {
    const whole = JSON.stringify(args)
    const index = manner === 'index 0 and ids' ? 0 : at
    const id = `call_${at}`
    const places: Record<Manner, object> = {
      'index and id': { index, id },
      index: { index },
      id: { id },
      'index 0 and ids': { index, id },
      'whole, by name': {},
      object: { index, id },
    }
    const place = places[manner]
    if (manner === 'whole, by name' || manner === 'object') {
      events.push(
        chunk({ tool_calls: [{ ...place, function: { name, arguments: manner === 'object' ? args : whole } }] }),
      )
      continue
    }
    events.push(chunk({ tool_calls: [{ ...place, type: 'function', function: { name, arguments: '' } }] }))
    for (const part of cutText(whole, size))
      events.push(chunk({ tool_calls: [{ ...place, function: { arguments: part } }] }))
  }
  return [...events, chunk({}, calls.length > 0 ? 'tool_calls' : 'stop')]
}

function messagesEvents({ reasoning, text, calls }: Told, size: Iterator<number>): unknown[] {
  const events: unknown[] = [{ type: 'message_start', message: { id: 'm', model: 'c', usage: {} } }]
  let index = 0
  const block = (content_block: unknown, parts: readonly string[], delta: (part: string) => unknown): void => {
    events.push({ type: 'content_block_start', index, content_block })
    for (const part of parts) events.push({ type: 'content_block_delta', index, delta: delta(part) })
    events.push({ type: 'content_block_stop', index })
    index++
  }
  if (reasoning !== '')
    block({ type: 'thinking', thinking: '' }, cutText(reasoning, size), (thinking) => ({
      type: 'thinking_delta',
      thinking,
    }))
  block({ type: 'text', text: '' }, cutText(text, size), (part) => ({ type: 'text_delta', text: part }))
  for (const [at, { name, args }] of calls.entries())
    block({ type: 'tool_use', id: `t${at}`, name, input: {} }, cutText(JSON.stringify(args), size), (partial_json) => ({
      type: 'input_json_delta',
      partial_json,
    }))
  return [
    ...events,
    { type: 'message_delta', delta: { stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn' }, usage: {} },
    { type: 'message_stop' },
  ]
}

function responsesEvents({ reasoning, text, calls }: Told, size: Iterator<number>): unknown[] {
  const events: unknown[] = []
  const output: unknown[] = []
  const item = (done: object, type: string, parts: readonly string[]): void => {
    const output_index = output.length
    events.push({
      type: 'response.output_item.added',
      output_index,
      item: { ...done, arguments: '', content: [], summary: [] },
    })
    for (const delta of parts) events.push({ type, output_index, delta })
    events.push({ type: 'response.output_item.done', output_index, item: done })
    output.push(done)
  }
  if (reasoning !== '')
    item(
      { type: 'reasoning', id: 'r', summary: [{ text: reasoning }] },
      'response.reasoning_summary_text.delta',
      cutText(reasoning, size),
    )
  item(
    { type: 'message', id: 'm', content: [{ type: 'output_text', text }] },
    'response.output_text.delta',
    cutText(text, size),
  )
  for (const [at, { name, args }] of calls.entries()) {
    const whole = JSON.stringify(args)
    item(
      { type: 'function_call', id: `f${at}`, call_id: `c${at}`, name, arguments: whole },
      'response.function_call_arguments.delta',
      cutText(whole, size),
    )
  }
  return [...events, { type: 'response.completed', response: { id: 'x', status: 'completed', output } }]
}

function eventsOf(form: Case['form'], told: Told, manner: Manner, size: Iterator<number>): unknown[] {
  if (form === 'chat') return chatEvents(told, manner, size)
  return form === 'messages' ? messagesEvents(told, size) : responsesEvents(told, size)
}

async function read(form: Case['form'], events: readonly unknown[], size: Iterator<number>, ending: string) {
  const whole = bytes(
    events
      .map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}${ending}${ending}`)
      .join(''),
  )
  const parts: Uint8Array[] = []
  for (let at = 0; at < whole.length; ) {
    const length = (size.next().value ?? 4) ** 2
    parts.push(whole.subarray(at, at + length))
    at += length
  }
  const transport = fakeTransport(() => ({ status: 200, headers: { 'content-type': 'text/event-stream' }, parts }))
  const { provider, model } = providerOf(form, '', transport)
  return collect(provider, requestOf({ form, server: '', ask: {} }, provider, model))
}

const forms = ['chat', 'messages', 'responses'] as const
const runs = { numRuns: 120 }

describe.each(forms)('%s', (form) => {
  test('an answer comes out as it went in (Z1)', async () => {
    await fc.assert(
      fc.asyncProperty(
        answer,
        fc.constantFrom(...manners),
        sizes,
        fc.constantFrom('\n', '\r\n', '\r'),
        async (told, manner, size, ending) => {
          const result = resultOf(await read(form, eventsOf(form, told, manner, size), size, ending))
          expect(result).toMatchObject({
            text: told.text,
            reasoning: told.reasoning,
            calls: told.calls.map(({ name, args }) => [name, args]),
            malformed: [],
            finish: told.calls.length > 0 ? 'tool-calls' : 'stop',
          })
        },
      ),
      runs,
    )
  })

  test('whatever is broken, there is one outcome, and no argument that nobody wrote (Z2)', async () => {
    await fc.assert(
      fc.asyncProperty(
        answer,
        fc.constantFrom(...manners),
        sizes,
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(8)), { maxLength: 4 }),
        async (told, manner, size, damages) => {
          let events = eventsOf(form, told, manner, size)
          for (const [at, what, kind] of damages) events = damaged(events, at, what, kind)
          const collected = await read(form, events, size, '\n')
          expect(collected.filter(({ type }) => type !== 'delta')).toHaveLength(1)
          expect(collected.at(-1)?.type).not.toBe('delta')
          const written = new Set(
            told.calls.flatMap(({ args }) => Object.entries(args).map(([key, value]) => `${key}=${String(value)}`)),
          )
          const whole = told.calls.map(({ args }) => JSON.stringify(args))
          for (const [, args] of resultOf(collected).calls) {
            // Pieces that are lost or doubled may leave readable JSON: its keys are those that were written, and a call with nothing lost is whole.
            if (damages.every(([, , kind]) => kind < 4))
              for (const [key, value] of Object.entries(args))
                expect([...written, 'odd']).toContain(typeof value === 'string' ? `${key}=${value}` : 'odd')
            if (damages.length === 0) expect(whole).toContain(JSON.stringify(args))
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

/** One thing that goes wrong. 0 to 3 leave each event that is there as it was. */
function damaged(events: readonly unknown[], at: number, what: number, kind: number): unknown[] {
  const list = [...events]
  const place = list.length === 0 ? 0 : at % list.length
  const event = list[place]
  switch (kind) {
    case 0: // the end is missing
      return list.slice(0, -1)
    case 1: // something between the events
      list.splice(
        place,
        0,
        [
          {},
          { type: 'ping' },
          { choices: [] },
          { choices: null },
          '[DONE]',
          ': x',
          { error: { message: 'broken', code: 500 } },
        ][what % 7],
      )
      return list
    case 2: // cut off
      return list.slice(0, place)
    case 3: // nothing
      return list
    case 4:
      list.splice(place, 1)
      return list
    case 5:
      list.splice(place, 0, event)
      return list
    case 6: {
      const other = list.length === 0 ? 0 : what % list.length
      list[place] = list[other]
      list[other] = event
      return list
    }
    default: {
      list[place] = changed(
        event,
        what,
        kind === 7 ? undefined : [null, 7, true, 'text', [], {}, [null], [[]], { type: 'x' }][what % 9],
      )
      return list
    }
  }
}

/** The event with one field, at any depth, missing or of another type. */
function changed(event: unknown, what: number, value: unknown): unknown {
  const paths: (readonly string[])[] = []
  const walk = (at: unknown, path: readonly string[]): void => {
    if (typeof at !== 'object' || at === null) return
    for (const [key, inner] of Object.entries(at)) {
      paths.push([...path, key])
      walk(inner, [...path, key])
    }
  }
  walk(event, [])
  const path = paths[what % Math.max(paths.length, 1)]
  if (!path) return event
  const copy: unknown = structuredClone(event)
  let parent = copy as Record<string, unknown>
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string, unknown>
  const last = path.at(-1) ?? ''
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

test('the tools of the fuzzer are those of the corpus', () => {
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['read_file', 'grep', 'write_file']))
})
