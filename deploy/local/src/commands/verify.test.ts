import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type ApiFrame, type Draft, emptyHead, encodeFrame, type SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { type ReadsFrames, verifierWith } from './verify.ts'

const id = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
const nowhere = '/nonexistent/data-folder'

/** The frames of a session of renames, made when they are asked for. `wrong`: which one is not what was written. */
function* logOf(
  count: number,
  { wrong = 0, times = 1 }: { readonly wrong?: number; readonly times?: number } = {},
): Generator<ApiFrame> {
  let { hash } = emptyHead(id)
  for (let n = 1; n <= count; n++) {
    const events = Array.from(
      { length: times },
      (_, i): SessionEvent => ({ type: 'session.renamed', data: { title: `title ${n}.${i} ${'x'.repeat(50)}` } }),
    )
    const draft = {
      id: `f${n}`,
      n,
      prev: n - 1,
      at: n,
      by: 'test',
      role: 'g',
      needs: 1,
      status: 'idle',
      pool: 'p',
      events,
    }
    hash = encodeFrame(draft as Draft, hash).hash
    const told = n === wrong ? [{ type: 'session.renamed', data: { title: 'another' } }] : events
    yield { ...draft, role: 'g', status: 'idle', seq: n, hash, events: JSON.stringify(told) }
  }
}

function pagesOf(frames: Generator<ApiFrame>, onPage: (page: readonly ApiFrame[]) => void = () => {}): ReadsFrames {
  let next = frames.next()
  let first: ApiFrame[] | undefined
  const page = (limit: number): ApiFrame[] => {
    const found: ApiFrame[] = []
    for (; !next.done && found.length < limit; next = frames.next()) found.push(next.value)
    return found
  }
  return {
    sessions: {
      // The first page is read twice: to see whether the session is a fork.
      frames: async (_, { after = 0, limit = 500 } = {}) => {
        const found = after === 0 ? (first ?? page(limit)) : page(limit)
        first = after === 0 && first === undefined ? found : undefined
        onPage(found)
        return { frames: found, more: !next.done }
      },
    },
  }
}

test('a long session is verified page by page: what was read of it is not held', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const held: number[] = []
  const client = pagesOf(logOf(4000, { times: 200 }), () => {
    collect()
    held.push(process.memoryUsage().heapUsed)
  })
  const result = await verifierWith(nowhere)(client, id, { keys: [] })
  expect(result).toMatchObject({ ok: true, frames: 4000, problems: [] })
  expect(held.length).toBeGreaterThanOrEqual(8)
  // All of it is 80 MB and more as text alone, and a page 10 MB.
  expect(Math.max(...held) - held[0]!).toBeLessThan(40_000_000)
})

test('what was changed is named by its frame', async () => {
  const result = await verifierWith(nowhere)(pagesOf(logOf(1200, { wrong: 700 })), id, { keys: [] })
  expect(result).toMatchObject({ ok: false, frames: 1200 })
  expect(result.problems).toEqual([`${id}#700: its hash is not that of its content on the frame before`])
})

test('a log that begins a fork in its middle is not what was written', async () => {
  const [first, second] = [...logOf(2)]
  const forked = {
    from: '01JYYYYYYYYYYYYYYYYYYYYYYY',
    n: 1,
    hash: first!.hash,
    agent: 'a',
    digest: 'd',
    model: 'm',
    principal: 'p',
  }
  const events = [{ type: 'session.forked', data: forked }] as unknown as SessionEvent[]
  const draft = { ...second!, prev: 0, events } as unknown as Draft
  const { hash } = encodeFrame(draft, first!.hash)
  const frames = [first!, { ...second!, prev: 0, hash, events: JSON.stringify(events) }]
  const result = await verifierWith(nowhere)(pagesOf(frames.values() as Generator<ApiFrame>), id, { keys: [] })
  expect(result.problems).toContain(`${id}#2: its hash is not that of its content on the frame before`)
})
