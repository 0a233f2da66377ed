import type { AssistantBlock, ModelMessage, ToolSpec } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { collect, contentOf, request, user } from '../../test/contract.ts'
import { createScripted } from './scripted.ts'

const scripted = createScripted({ tokenIntervalMs: 0 })
const tool = (name: string, ...properties: readonly string[]): ToolSpec => ({
  name,
  description: name,
  parameters: {
    type: 'object',
    properties: Object.fromEntries(properties.map((property) => [property, { type: 'string' }])),
  },
})
const tools = [
  tool('shell', 'command'),
  tool('read_file', 'path', 'offset'),
  tool('write_file', 'path', 'content'),
  tool('edit_file', 'path', 'old_text', 'new_text'),
  tool('file_info', 'path'),
  tool('list_directory', 'path'),
  tool('find_files', 'pattern', 'path'),
  tool('grep', 'pattern', 'path'),
  tool('directory_tree', 'path'),
]

const ask = async (...messages: readonly ModelMessage[]) =>
  contentOf(await collect(scripted, request('assistant', messages, { tools })))
const calls = (content: readonly AssistantBlock[]) =>
  content.map((block) => (block.type === 'tool-call' ? [block.name, block.arguments] : block.type))
const textOf = (content: readonly AssistantBlock[]) =>
  content.map((block) => (block.type === 'tool-call' ? block.name : block.text)).join('')

describe('commands become calls of the matching tools', () => {
  test.each([
    ['!shell ls -la', 'shell', { command: 'ls -la' }],
    ['please run `git status` for me', 'shell', { command: 'git status' }],
    ['first look:\n!shell pwd\nthen think', 'shell', { command: 'pwd' }],
    ['!shell a & b && c', 'shell', { command: 'a & b && c' }],
    ['read README.md', 'read_file', { path: 'README.md' }],
    ['write notes.txt: hello & goodbye\nworld', 'write_file', { path: 'notes.txt', content: 'hello & goodbye\nworld' }],
    ['edit notes.txt: hello => good day', 'edit_file', { path: 'notes.txt', old_text: 'hello', new_text: 'good day' }],
    ['info notes.txt', 'file_info', { path: 'notes.txt' }],
    ['list', 'list_directory', { path: '.' }],
    ['list src', 'list_directory', { path: 'src' }],
    ['find **/*.ts', 'find_files', { pattern: '**/*.ts' }],
    ['grep TODO', 'grep', { pattern: 'TODO' }],
    ['tree', 'directory_tree', { path: '.' }],
    ['call grep {"pattern":"a","path":"b"}', 'grep', { pattern: 'a', path: 'b' }],
  ])('%s', async (message, name, args) => {
    expect(calls(await ask(user(message)))).toEqual([[name, args]])
  })

  test('arguments that are no JSON are passed on as they are', async () => {
    expect(await ask(user('call grep {oops'))).toMatchObject([{ type: 'tool-call', malformed: '{oops' }])
  })

  test('a tool that the agent does not have is named, with those that it has', async () => {
    expect(textOf(await ask(user('call fly')))).toMatch(/"fly".*It has: shell, read_file/)
  })
})

describe('plans', () => {
  const result = (call: string, output: string, error = false): ModelMessage => ({
    role: 'tool',
    call,
    name: 'shell',
    output,
    error,
  })

  test('“&” is one answer with several calls; “&& then” is one answer after another; then the results are quoted', async () => {
    const messages: ModelMessage[] = [user('read a & read b && then !shell pwd')]
    const step = async () => {
      const content = await ask(...messages)
      messages.push({ role: 'assistant', model: 'scripted/assistant', content })
      for (const block of content)
        if (block.type === 'tool-call') messages.push(result(block.call, `out of ${block.call}`))
      return content
    }
    expect(calls(await step())).toEqual([
      ['read_file', { path: 'a' }],
      ['read_file', { path: 'b' }],
    ])
    expect(calls(await step())).toEqual([['shell', { command: 'pwd' }]])
    expect(textOf(await step())).toBe(
      ['call_1_1_1', 'call_1_1_2', 'call_1_2_1']
        .map((call) => `shell answered:\n\n\`\`\`\nout of ${call}\n\`\`\``)
        .join('\n\n'),
    )
  })

  test('a plan may end with words of its own', async () => {
    const first = await ask(user('!shell pwd && then say all done'))
    expect(calls(first)).toEqual([['shell', { command: 'pwd' }]])
    const called: ModelMessage = { role: 'assistant', model: 'scripted/assistant', content: first }
    expect(textOf(await ask(user('!shell pwd && then say all done'), called, result('call_1_1_1', '/')))).toBe(
      'all done',
    )
  })

  test('a failed tool is said to have failed, and a long output is cut', async () => {
    const called: ModelMessage = {
      role: 'assistant',
      model: 'scripted/assistant',
      content: await ask(user('!shell x')),
    }
    const text = textOf(await ask(user('!shell x'), called, result('call_1_1_1', `START${'x'.repeat(5_000)}END`, true)))
    expect(text).toMatch(/^shell failed:\n\n```\nSTARTx+\n…\nx+END\n```$/)
    expect(text.length).toBeLessThan(700)
  })
})

describe('other answers', () => {
  test('say is exact; stream counts; echo repeats', async () => {
    expect(textOf(await ask(user('say  two  spaces\nand a line ')))).toBe(' two  spaces\nand a line')
    expect(textOf(await ask(user('stream 3 every 0')))).toBe('tok0 tok1 tok2')
    expect(textOf(contentOf(await collect(scripted, request('echo', [user('!shell ls')], { tools }))))).toBe(
      '!shell ls',
    )
  })

  test('anything else is answered with what this is, what it can do, and how to get a real model', async () => {
    const text = textOf(await ask(user('read the docs and explain them')))
    expect(text).toContain('“read the docs and explain them”')
    expect(text).toContain('scripted model')
    expect(text).toContain('!shell ls')
    expect(text).toContain('ANTHROPIC_API_KEY')
    expect(textOf(contentOf(await collect(scripted, request('assistant', [user('hi')], { tools: [] }))))).not.toContain(
      '!shell',
    )
  })

  test('fail once fails once for a request, and again for another', async () => {
    const fresh = createScripted({ tokenIntervalMs: 0 })
    const once = request('assistant', [user('fail overloaded once retry 50')])
    expect(await collect(fresh, once)).toMatchObject([{ type: 'failed', code: 'overloaded', retryAfterMs: 50 }])
    expect((await collect(fresh, once)).at(-1)).toMatchObject({ type: 'completed' })
    expect((await collect(fresh, { ...once, cacheKey: 'session-2' })).at(-1)).toMatchObject({ type: 'failed' })
    expect((await collect(fresh, request('assistant', [user('fail overloaded 2 times')]))).at(-1)).toMatchObject({
      type: 'failed',
    })
    expect(textOf(await ask(user('fail badly')))).toContain('rate-limited')
  })

  test('the same request gives the same events', async () => {
    const asked = request('assistant', [user('read a & !shell b')], { tools })
    expect(await collect(scripted, asked)).toEqual(await collect(createScripted({ tokenIntervalMs: 1 }), asked))
  })
})

test.each([
  [
    'words of its own for tools that have some',
    [tool('read_result', 'ref'), ...tools],
    'try `!shell ls -la`, `list`, ',
  ],
  [
    'a call of a tool that has none',
    [tool('read_result', 'ref'), tool('order', 'id')],
    'try `call order {"id":"text"}`. ',
  ],
  ['nothing of what Reins gives besides', [tool('read_result', 'ref')], 'without a network. `say TEXT`'],
])('a chat suggests %s', async (_, offered, hint) => {
  const content = contentOf(await collect(scripted, request('assistant', [user('hello')], { tools: offered })))
  expect(textOf(content)).toContain(hint)
})
