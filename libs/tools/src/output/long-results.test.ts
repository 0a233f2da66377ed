import { describe, expect, it } from 'vitest'
import { builtinCatalog } from '../builtin/builtin-source.ts'
import { readResult } from '../builtin/read-result.ts'
import { withinLimit } from './long-results.ts'

const ref = `sha256-${'a'.repeat(64)}`
function store() {
  const whole = new Map<string, Buffer>()
  return {
    whole,
    keep: async (output: AsyncIterable<Uint8Array> | Uint8Array) => {
      whole.set(ref, Buffer.from(output as Uint8Array))
      return { ref, dropped: 0 }
    },
    kept: async (name: string) => {
      const bytes = whole.get(name)
      return (
        bytes && {
          size: bytes.length,
          bytes: (async function* () {
            for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
          })(),
        }
      )
    },
  }
}
const long = Array.from({ length: 2000 }, (_, at) => `line ${at} é\n`).join('')

describe('a result that is too long', () => {
  it('is kept whole, and shown as head and tail with the way to the rest', async () => {
    const { whole, keep } = store()
    const cut = await withinLimit({ status: 'ok', output: long }, 4000, keep)
    expect(whole.get(ref)?.toString()).toBe(long)
    expect(cut).toMatchObject({ status: 'ok', ref, truncated: true })
    expect(cut.output.length).toBeLessThan(4300)
    expect(cut.output).toMatch(
      /^line 0 é\n[\s\S]*characters left out; the whole result is kept: read on with read_result/,
    )
    expect(cut.output).toContain('line 1999')
  })

  it('shows no end of a secret at the cut', async () => {
    const secret = 'open-sesame-0123456789'
    for (let at = 1980; at <= 2001; at++) {
      const output = `${'x'.repeat(at)}${secret}${'y'.repeat(5000)}${secret}${'z'.repeat(4000 - at)}`
      const mask = { text: (text: string) => text.replaceAll(secret, '[redacted]') }
      const cut = await withinLimit({ status: 'ok', output }, 4000, store().keep, mask)
      expect([at, /open-|sesame|456789/.test(cut.output)]).toEqual([at, false])
    }
  })

  it('keeps its other blocks', async () => {
    const image = { type: 'image', mimeType: 'image/png', data: 'AAAA' } as const
    const content = [{ type: 'text', text: long } as const, image]
    const cut = await withinLimit({ status: 'ok', output: long, content }, 4000, store().keep)
    expect(cut.content).toEqual([{ type: 'text', text: cut.output }, image])
  })

  it.each([
    ['has no room', async () => ({ ref: undefined, dropped: 9 }), 'keeps as much output as it may'],
    ['fails', () => Promise.reject(new Error('away')), 'the whole could not be kept'],
    ['has room for a part', async () => ({ ref, dropped: 9 }), 'is kept but for its last 9 bytes: read on'],
  ])('says what is lost where the store %s', async (_, keep, told) => {
    expect((await withinLimit({ status: 'ok', output: long }, 4000, keep)).output).toContain(told)
  })

  it('that its tool has cut itself is left alone', async () => {
    const outcome = { status: 'ok', output: long, ref } as const
    expect(await withinLimit(outcome, 4000, store().keep)).toBe(outcome)
  })
})

describe('read_result', () => {
  const read = async (args: Record<string, unknown>, maxChars = 100_000) => {
    const { keep, kept } = store()
    await keep(Buffer.from(long))
    return JSON.parse((await readResult(args, kept, maxChars)).output) as Record<string, unknown>
  }

  it('pages through the whole', async () => {
    let text = ''
    for (let offset: unknown = 0; offset !== undefined; ) {
      const page = await read({ ref, offset, limit: 7000 })
      text += String(page.content)
      offset = page.next_offset
      expect(page.total_chars).toBe(long.length)
    }
    expect(text).toBe(long)
  })

  it('gives no more than an answer may have', async () => {
    const page = await read({ ref, limit: 50_000 }, 4000)
    expect(JSON.stringify(page).length).toBeLessThanOrEqual(4000)
    expect(page.next_offset).toBe(String(page.content).length)
  })

  it('begins a little before what is to be found', async () => {
    const page = await read({ ref, find: 'line 1500 ', limit: 300 })
    expect(page.content).toContain('line 1500 ')
    expect(page.found_at).toBe(long.indexOf('line 1500 '))
    expect(await read({ ref, find: 'nowhere' })).toMatchObject({ found: false })
  })

  it.each([
    [{ ref: `sha256-${'b'.repeat(64)}` }, 'no result is kept'],
    [{ ref: '../../other/sha256-a' }, 'no result is kept'],
    [{ ref, offset: 10_000_000 }, 'is behind the end'],
    [{}, '"ref" is missing'],
  ])('%j is answered with what is wrong', async (args, told) => {
    await expect(read(args)).rejects.toThrow(told)
  })

  it('is offered where results can be too long, and nowhere else', () => {
    const names = (definition: Record<string, unknown>) => {
      const listing = builtinCatalog.list({ name: 'a', ...definition })
      return listing.kind === 'listed' ? listing.tools.map(({ name }) => name) : []
    }
    expect(names({ tools: ['shell'] })).toEqual(['shell', 'read_result'])
    expect(names({ tools: ['files'] })).not.toContain('read_result')
    expect(names({ tools_file: './tools.ts' })).toEqual(['read_result'])
    expect(names({ mcp_servers: [{ url: 'https://example.org' }] })).toEqual(['read_result'])
    expect(names({})).toEqual([])
  })
})
