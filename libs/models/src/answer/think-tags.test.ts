// Thoughts of servers that keep the opening tag for themselves: told apart once the model is known for it, and nothing is eaten.
import { expect, test } from 'vitest'
import { contentOf, collect, expectWhole, request, user } from '../../test/contract.ts'
import { fakeTransport, sse } from '../../test/fake-transport.ts'
import { createOpenAiCompatible } from '../compatible/compatible.ts'
import { loneTag, ThinkTags } from './think-tags.ts'

const chunk = (delta: unknown, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason }],
})
const inPieces = (text: string, finish = 'stop') =>
  sse(...(text.match(/[\s\S]{1,3}/g) ?? []).map((content) => chunk({ content })), chunk({}, finish))

/** What each of the answers, one after another, comes to. */
async function told(...answers: ReturnType<typeof sse>[]) {
  const transport = fakeTransport(...answers)
  const lab = createOpenAiCompatible({ name: 'lab', baseUrl: 'http://lab.test/v1', contextWindow: 32_000, transport })
  const contents: string[][] = []
  for (const _ of answers) {
    const events = await collect(lab, request('m', [user('2 + 2?')]))
    if (events.at(-1)?.type === 'completed') expectWhole(events)
    contents.push(
      contentOf(events).map((block) => `${block.type}: ${block.type === 'tool-call' ? block.name : block.text}`),
    )
  }
  return contents
}

const thoughtful = 'Two and two.\n</think>\n\nIt is 4.'

test('the first answer is a text; from the next on, what comes before the tag is thought', async () => {
  expect(await told(inPieces(thoughtful), inPieces(thoughtful), inPieces('Hm.\n</think>\n\n5.'))).toEqual([
    [`text: ${thoughtful}`],
    ['reasoning: Two and two.\n', 'text: It is 4.'],
    ['reasoning: Hm.\n', 'text: 5.'],
  ])
})

test('an answer without the tag loses nothing, and the model is a plain one again', async () => {
  expect(await told(inPieces(thoughtful), inPieces('It is 4.'), inPieces('It is 5.'))).toEqual([
    [`text: ${thoughtful}`],
    ['reasoning: It is 4.', 'text: It is 4.'],
    ['text: It is 5.'],
  ])
})

test('thoughts that are cut at the limit are thoughts still', async () => {
  expect(await told(inPieces(thoughtful), inPieces('Hm, hm', 'length'), inPieces(thoughtful))).toEqual([
    [`text: ${thoughtful}`],
    [],
    ['reasoning: Two and two.\n', 'text: It is 4.'],
  ])
})

test('a call behind the thoughts is a call', async () => {
  const call = { tool_calls: [{ index: 0, id: 'c', function: { name: 'shell', arguments: '{"command":"ls"}' } }] }
  const calling = sse(chunk({ content: 'I look.\n</think>\n\n' }), chunk(call), chunk({}, 'tool_calls'))
  expect(await told(inPieces(thoughtful), calling)).toEqual([
    [`text: ${thoughtful}`],
    ['reasoning: I look.\n', 'tool-call: shell'],
  ])
})

test('both tags, and thoughts in a field of their own, are read as ever', async () => {
  const apart = sse(chunk({ reasoning_content: 'Hm.' }), chunk({ content: 'It is 4.' }), chunk({}, 'stop'))
  expect(await told(inPieces(thoughtful), inPieces('<think>Hm.</think>It is 4.'), apart)).toEqual([
    [`text: ${thoughtful}`],
    ['reasoning: Hm.', 'text: It is 4.'],
    ['reasoning: Hm.', 'text: It is 4.'],
  ])
})

test.each([
  'Templates end with `</think>`\n\nand go on.',
  'The tag </think> ends thoughts.',
  'It looks so:\n```\nHm.\n</think>\n\n4\n```\n',
  'So: <think>Hm.\n</think>\n4.',
  'One.\n</think>\nTwo.\n</think>\nThree.',
  'A plain text.',
])('a text that mentions tags teaches nothing: %j', async (text) => {
  expect(loneTag(text)).toBeUndefined()
  expect(await told(inPieces(text), inPieces('It is 4.'))).toEqual([[`text: ${text}`], ['text: It is 4.']])
})

test('empty lines on and on are read at once, and are a text where they are too many', () => {
  const tags = new ThinkTags()
  let text = ''
  for (let at = 0; at < 400_000; at++)
    for (const part of tags.push('\n')) text += `${part.kind} ${part.text.length} `.slice(0, 5)
  expect(text.startsWith('text ')).toBe(true)
  const few = new ThinkTags()
  expect([...few.push('\n'), ...few.push(' \n'), ...few.push('<think>Hm.</think>4.'), ...few.end()]).toEqual([
    { kind: 'reasoning', text: 'Hm.' },
    { kind: 'text', text: '4.' },
  ])
})
