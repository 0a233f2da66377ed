// Results of tools with images, audio, files and links, and messages with images, as each wire form gives them to its provider.
import type { ImagePart, ModelMessage, ModelProvider, ToolContent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { createAnthropic } from '../src/anthropic/anthropic.ts'
import { createOpenAiCompatible } from '../src/compatible/compatible.ts'
import { withMedia } from '../src/history/result-media.ts'
import { createOpenAi } from '../src/openai/openai.ts'
import { collect, request, user } from './contract.ts'
import { type Answered, fakeTransport, json, sse } from './fake-transport.ts'

const png = 'iVBORw0KGgo='
const content: readonly ToolContent[] = [
  { type: 'text', text: 'the page' },
  { type: 'json', value: { title: 'A' } },
  { type: 'image', mimeType: 'image/png', data: png },
  { type: 'image', mimeType: 'image/svg+xml', data: png },
  { type: 'audio', mimeType: 'audio/wav', data: 'UklGRg==' },
  { type: 'file', mimeType: 'application/pdf', name: 'a.pdf', data: 'JVBERi0=' },
  { type: 'link', uri: 'https://example.org/a', name: 'A' },
]
const text = 'the page\n{"title":"A"}\n[image: image/png, 8 bytes]'
const called = (calls: readonly string[]): ModelMessage => ({
  role: 'assistant',
  model: 'x/m',
  content: calls.map((call) => ({ type: 'tool-call', call, name: 'browse', arguments: {} })),
})
const result = (call: string, more: Partial<Extract<ModelMessage, { role: 'tool' }>> = {}): ModelMessage => ({
  ...{ role: 'tool', call, name: 'browse', output: text, content, error: false },
  ...more,
})
const conversation = [user('go'), called(['c1', 'c2']), result('c1'), result('c2', { content: [] })]

const answers = {
  anthropic: sse(
    { type: 'message_start', message: { id: 'm', model: 'm', usage: { input_tokens: 1, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'ok' } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } },
    { type: 'message_stop' },
  ),
  openai: sse({
    type: 'response.completed',
    response: {
      id: 'r',
      status: 'completed',
      output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ok' }] }],
    },
  }),
  chat: sse({ choices: [{ index: 0, delta: { content: 'ok' }, finish_reason: 'stop' }] }),
}
type Form = keyof typeof answers
const create = (form: Form, transport: ReturnType<typeof fakeTransport>): ModelProvider => {
  const baseUrl = 'http://model.test/v1'
  if (form === 'anthropic') return createAnthropic({ apiKey: 'sk-test-key', baseUrl, transport })
  if (form === 'openai') return createOpenAi({ apiKey: 'sk-test-key', baseUrl, transport })
  return createOpenAiCompatible({ name: 'lab', baseUrl, contextWindow: 32_000, transport })
}
async function sent(
  form: Form,
  messages: readonly ModelMessage[],
  { media, first = [] }: { media?: ReadonlyMap<string, string>; first?: readonly (() => Answered)[] } = {},
) {
  const transport = fakeTransport(...first, answers[form])
  const provider = create(form, transport)
  const events = await collect(provider, request('m', messages, media === undefined ? {} : { media }))
  expect(events.at(-1)).toMatchObject({ type: 'completed' })
  const { body } = transport.sent.at(-1)!
  return { list: (form === 'openai' ? body.input : body.messages) as readonly Record<string, unknown>[], transport }
}

describe('a result of blocks', () => {
  it('goes to Anthropic as text, images and PDFs; the rest is told', async () => {
    const { list } = await sent('anthropic', conversation)
    expect((list[2]!.content as readonly unknown[])[0]).toEqual({
      type: 'tool_result',
      tool_use_id: 'c1',
      content: [
        { type: 'text', text: 'the page' },
        { type: 'text', text: '{"title":"A"}' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
        { type: 'text', text: '[image: image/svg+xml, 9 bytes]' },
        { type: 'text', text: '[audio: audio/wav, 6 bytes]' },
        { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } },
        { type: 'text', text: '[link: https://example.org/a (A)]' },
      ],
    })
  })

  it('goes to the Responses API as text, images and files', async () => {
    const { list } = await sent('openai', conversation)
    expect(list.find(({ call_id, type }) => call_id === 'c1' && type === 'function_call_output')?.output).toEqual([
      { type: 'input_text', text: 'the page' },
      { type: 'input_text', text: '{"title":"A"}' },
      { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${png}` },
      { type: 'input_text', text: '[image: image/svg+xml, 9 bytes]' },
      { type: 'input_text', text: '[audio: audio/wav, 6 bytes]' },
      { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
      { type: 'input_text', text: '[link: https://example.org/a (A)]' },
    ])
  })

  it('goes to chat completions as text, with images and audio behind the results of the answer', async () => {
    const { list } = await sent('chat', conversation)
    expect(list.slice(3)).toEqual([
      { role: 'tool', tool_call_id: 'c1', content: text },
      { role: 'tool', tool_call_id: 'c2', content: text },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'From the result of browse above:' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
          { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
        ],
      },
    ])
  })

  it.each(['anthropic', 'openai'] as const)('of an error is text alone: %s', async (form) => {
    const { list } = await sent(form, [user('go'), called(['c1']), result('c1', { error: true })])
    expect(JSON.stringify(list)).not.toContain(png)
    expect(JSON.stringify(list)).toContain('the page')
  })

  it.each(['anthropic', 'openai', 'chat'] as const)(
    'goes as text to a model that takes no images, from then on: %s',
    async (form) => {
      const refused = json(400, {
        error: { message: 'this model does not support image input', type: 'invalid_request_error' },
      })
      const { list, transport } = await sent(
        form,
        [user('go'), called(['c1']), result('c1', { content: [content[2]!] })],
        { first: [refused] },
      )
      expect(transport.sent).toHaveLength(2)
      expect(JSON.stringify(list)).not.toContain(png)
      expect(JSON.stringify(list)).toContain('[image: image/png')
    },
  )

  it.each([
    ['no base64', { data: 'a"b' }],
    ['empty', { data: '' }],
    ['larger than providers take', { data: 'A'.repeat(6 * 1024 * 1024) }],
    ['of a type that names none', { mimeType: 'image/x-icon' }],
  ])('whose image is %s is told', async (_, change) => {
    const image = { type: 'image' as const, mimeType: 'image/png', data: png, ...change }
    for (const form of ['anthropic', 'openai', 'chat'] as const) {
      const { list } = await sent(form, [
        user('go'),
        called(['c1']),
        result('c1', { content: [image], output: '[image]' }),
      ])
      expect(JSON.stringify(list)).not.toMatch(/"image"|"input_image"|"image_url"/)
    }
  })
})

describe('a message with images', () => {
  const said = (...images: readonly ImagePart[]): ModelMessage => ({
    ...{ role: 'user', content: [{ type: 'text', text: 'what is this?' }] },
    images,
  })
  const image = { type: 'image', mimeType: 'image/png', data: png } as const
  const svg = { ...image, mimeType: 'image/svg+xml' }

  it('shows them to each provider in its own form, in front of its words', async () => {
    const messages = [said(image, svg)]
    const note = '[image: image/svg+xml, 9 bytes]'
    const url = `data:image/png;base64,${png}`
    expect((await sent('anthropic', messages)).list).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
          { type: 'text', text: note },
          { type: 'text', text: 'what is this?', cache_control: { type: 'ephemeral' } },
        ],
      },
    ])
    expect((await sent('openai', messages)).list).toEqual([
      {
        role: 'user',
        content: [
          { type: 'input_image', detail: 'auto', image_url: url },
          { type: 'input_text', text: note },
          { type: 'input_text', text: 'what is this?' },
        ],
      },
    ])
    expect((await sent('chat', messages)).list.at(-1)).toEqual({
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url } },
        { type: 'text', text: `${note}\nwhat is this?` },
      ],
    })
  })

  it.each(['anthropic', 'openai', 'chat'] as const)(
    'is told to a model that takes none, by a note: %s',
    async (form) => {
      const refused = json(400, {
        error: { message: 'this model does not support image input', type: 'invalid_request_error' },
      })
      const { list, transport } = await sent(form, [said(image)], { first: [refused] })
      expect(transport.sent).toHaveLength(2)
      expect(JSON.stringify(list)).not.toContain(png)
      expect(JSON.stringify(list)).toContain('[image: image/png')
      expect(JSON.stringify(list)).toContain('what is this?')
    },
  )

  it('is given what is kept elsewhere, and told what is kept no more', async () => {
    const kept = (ref: string) => ({ type: 'image', mimeType: 'image/png', ref, bytes: 9 }) as const
    const messages = [said(kept('sha256-1'), kept('sha256-2'))]
    const load = async (ref: string) => (ref === 'sha256-1' ? Buffer.from('the bytes') : undefined)
    const [first, second] = [await withMedia(messages, load), await withMedia(messages, load)]
    expect(first.messages[0]).toBe(second.messages[0])
    for (const form of ['anthropic', 'openai', 'chat'] as const) {
      const { list } = await sent(form, first.messages, first)
      expect(JSON.stringify(list)).toContain(Buffer.from('the bytes').toString('base64'))
      expect(JSON.stringify(list)).toContain('[image: image/png, 9 bytes; it is not shown again]')
    }
  })
})

describe('media that are kept elsewhere', () => {
  const kept = (ref: string, bytes = 9): ToolContent => ({ type: 'image', mimeType: 'image/png', ref, bytes })
  const messages = [user('go'), called(['c1']), result('c1', { content: [kept('sha256-1')] })]
  const load = async (ref: string) => (ref === 'sha256-1' ? Buffer.from('the bytes') : undefined)
  const base64 = Buffer.from('the bytes').toString('base64')

  it.each(['anthropic', 'openai', 'chat'] as const)('are filled in: %s', async (form) => {
    const shown = await withMedia(messages, load)
    expect(shown.messages).toEqual(messages)
    const { list } = await sent(form, shown.messages, shown)
    expect(JSON.stringify(list)).toContain(base64)
  })

  it('that are kept no more are told, by the same message each time', async () => {
    const gone = [user('go'), called(['c1']), result('c1', { content: [kept('sha256-2')] })]
    const [first, second] = [await withMedia(gone, load), await withMedia(gone, load)]
    expect(first.messages[2]).toBe(second.messages[2])
    const { list } = await sent('anthropic', first.messages, first)
    expect(JSON.stringify(list)).toContain('[image: image/png, 9 bytes; it is not shown again]')
  })

  it('are given from the newest on, as many as a request takes', async () => {
    const many = Array.from({ length: 30 }, (_, at) => [
      called([`c${at}`]),
      result(`c${at}`, { content: [kept(`sha256-${at}`)] }),
    ])
    const { media } = await withMedia([user('go'), ...many.flat()], async () => Buffer.from('x'))
    expect([...media.keys()].at(0)).toBe('sha256-29')
    expect(media.size).toBe(20)
  })

  it('cannot be asked for by a text that looks like their place', async () => {
    const sly = result('c1', { output: '\u0001sha256-1\u0001 \u0002', content: undefined as never })
    const { list } = await sent('chat', [user('go'), called(['c1']), sly], { media: new Map([['sha256-1', base64]]) })
    expect(list.at(-1)?.content).toBe('\u0001sha256-1\u0001 \u0002')
  })
})
