import { describe, expect, it } from 'vitest'
import { answered } from './content.ts'

describe('a result of blocks', () => {
  it('of text and JSON is that text, once', () => {
    const outcome = answered([
      { type: 'text', text: 'two files' },
      { type: 'json', value: { files: 2 } },
    ])
    expect(outcome).toEqual({ status: 'ok', output: 'two files\n{"files":2}' })
  })

  it('with more than that has its blocks, and a text that names each', () => {
    const content = [
      { type: 'text', text: 'the page' },
      { type: 'image', mimeType: 'image/png', data: 'AAAA' },
      { type: 'audio', mimeType: 'audio/wav', ref: 'sha256-1', bytes: 9 },
      { type: 'file', mimeType: 'application/pdf', name: 'a.pdf', data: 'AAAA' },
      { type: 'link', uri: 'https://example.org/a', name: 'A' },
    ] as const
    expect(answered(content, 'failed')).toEqual({
      status: 'error',
      code: 'failed',
      content,
      output: [
        'the page',
        '[image: image/png, 3 bytes]',
        '[audio: audio/wav, 9 bytes]',
        '[file: a.pdf, application/pdf, 3 bytes]',
        '[link: https://example.org/a (A)]',
      ].join('\n'),
    })
  })
})
