import { estimateTokens, type ModelMessage, type ToolSpec } from '@reins/contracts'
import { expect, test } from 'vitest'
import { fitToWindow } from './window-fit.ts'

const user = (text: string): ModelMessage => ({ role: 'user', content: [{ type: 'text', text }] })
const shellTool: ToolSpec = { name: 'shell', description: 'Run a command. '.repeat(20), parameters: { type: 'object' } }

const answer = (text: string): ModelMessage => ({
  role: 'assistant',
  model: 'lab/m',
  content: [{ type: 'text', text }],
})
const call = (id: string): ModelMessage => ({
  role: 'assistant',
  model: 'lab/m',
  content: [{ type: 'tool-call', call: id, name: 'shell', arguments: {} }],
})
const result = (id: string, output: string): ModelMessage => ({
  role: 'tool',
  call: id,
  name: 'shell',
  output,
  error: false,
})
const fit = (messages: readonly ModelMessage[], window: number) =>
  fitToWindow(messages, { window, maxTokens: 100, system: '', tools: [] })
const exchange = (at: number): readonly ModelMessage[] => [
  user(`question ${at}`),
  call(`${at}`),
  result(`${at}`, 'x'.repeat(400)),
  answer(`answer ${at}`),
]
const exchanges = (count: number): readonly ModelMessage[] =>
  Array.from({ length: count }, (_, at) => exchange(at)).flat()
const total = (messages: readonly ModelMessage[]): number =>
  messages.reduce((sum, message) => sum + estimateTokens(message), 0)

test('what fits is the same object', () => {
  const messages = exchanges(3)
  expect(fit(messages, 100_000)).toEqual({ messages, dropped: 0, fixed: 0, tokens: total(messages) })
  expect(fit(messages, 100_000).messages).toBe(messages)
})

test('the oldest exchanges go first, whole; what is left fits, begins with a question, and is untouched', () => {
  const messages = exchanges(20)
  for (const window of [600, 900, 1_500, 2_400]) {
    const { messages: kept, dropped } = fit(messages, window)
    expect(dropped % 4).toBe(0)
    expect(kept).toEqual(messages.slice(dropped))
    expect(total(kept)).toBeLessThanOrEqual(window - 100)
    expect(kept[0]).toMatchObject({ role: 'user' })
    expect(kept.at(-1)).toBe(messages.at(-1))
  }
})

test('the beginning of what is kept stays for several turns, so that a prompt cache holds', () => {
  const points = Array.from({ length: 12 }, (_, more) => fit(exchanges(20 + more), 2_400).dropped)
  expect(new Set(points).size).toBeLessThan(points.length / 2)
})

test('where the newest exchange alone is too big, its outputs are cut to head and tail, the longest first', () => {
  const long = `HEAD${'x'.repeat(40_000)}TAIL`
  const messages = [...exchanges(2), user('now'), call('a'), result('a', long), call('b'), result('b', 'short')]
  const { messages: kept, dropped } = fit(messages, 4_000)
  expect(dropped).toBe(8)
  expect(total(kept)).toBeLessThanOrEqual(3_900)
  expect(kept[2]).toMatchObject({
    role: 'tool',
    call: 'a',
    output: expect.stringMatching(/^HEADx+\n\[… \d+ characters left out to fit the model's window …\]\nx+TAIL$/),
  })
  expect(kept[4]).toBe(messages.at(-1))
})

test('the same cut gives the same message, so that it is serialised once', () => {
  const messages = [user('now'), call('a'), result('a', 'x'.repeat(40_000))]
  expect(fit(messages, 4_000).messages[2]).toBe(fit(messages, 4_000).messages[2])
})

test('the room is what the system, the tools and the answer leave', () => {
  const messages = exchanges(6)
  const { dropped } = fitToWindow(messages, {
    window: 1_300,
    maxTokens: 100,
    system: 's'.repeat(1_200),
    tools: [shellTool],
  })
  expect(dropped).toBeGreaterThan(fit(messages, 1_300).dropped)
  expect(
    fitToWindow(messages, { window: 1_300, maxTokens: 1_000_000, system: '', tools: [] }).messages.length,
  ).toBeGreaterThan(0)
})
