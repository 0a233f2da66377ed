// What a viewer costs the log: each frame that it is shown is read once.
import type { SessionLog } from '@reins/journal'
import { emptyFold, foldFrames, foldVersion } from '@reins/session'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EventStream } from './stream.ts'
import { begin, endCursor, World } from './world.ts'

let writer: World
let world: World
/** How often each frame was read from the log, by its n. */
let read: Map<number, number>
let heads: number
let open: EventStream[]

beforeEach(async () => {
  writer = await World.start()
  open = []
  read = new Map()
  heads = 0
  const { sessions, feed, snapshots } = writer.journal
  const counted: SessionLog = {
    ...sessions,
    head: (...of) => {
      heads++
      return sessions.head(...of)
    },
    frameAt: async (...of) => {
      const frame = await sessions.frameAt(...of)
      if (frame) read.set(frame.n, (read.get(frame.n) ?? 0) + 1)
      return frame
    },
    read: async (...of) => {
      const frames = await sessions.read(...of)
      for (const { n } of frames) read.set(n, (read.get(n) ?? 0) + 1)
      return frames
    },
  }
  world = await World.start({ config: { sessions: counted, feed, snapshots } })
})
afterEach(async () => {
  for (const stream of open) stream.close()
  await world.close()
  await writer.close()
})

async function watch(id: string, after?: string): Promise<EventStream> {
  const query = after === undefined ? '' : `?after=${after}`
  const stream = await EventStream.open(`${world.url}/v1/sessions/${id}/events${query}`)
  open.push(stream)
  return stream
}

/** 40 turns, and a running one of 9 frames. */
async function busySession(): Promise<string> {
  const id = await writer.session()
  for (let turn = 1; turn <= 40; turn++) await writer.turn(id, `m${turn}`, 'Hello.', `t${turn}`)
  await writer.append(id, begin('t', 'm'), { status: 'running' })
  for (let i = 0; i < 8; i++) await writer.append(id, [], { status: 'running' })
  writer.delta(id, 'Hel', 0, { call: 'm-t' })
  return id
}

const once = (from: number, to: number) => new Map(Array.from({ length: to - from + 1 }, (_, i) => [from + i, 1]))

describe('a viewer of a running session', () => {
  test('that is the first reads its history once, and its head once', async () => {
    const id = await busySession()
    const stream = await watch(id)
    const items = await stream.until('delta')
    expect(items.at(-1)?.data.data).toMatchObject({ call: 'm-t', text: 'Hel' })
    expect(new Set(items.slice(0, -1).map(({ data }) => data.n)).size).toBe(82)
    expect(read).toEqual(once(1, 90))
    expect(heads).toBe(1)
  })

  test('that joins at the end reads the turn that is going on, not the log', async () => {
    const id = await busySession()
    const last = (await writer.frames(id)).findLast(({ events }) => events.length > 0)!
    const stream = await watch(id, endCursor(id, last))
    expect((await stream.take(1))[0]?.data.data).toMatchObject({ text: 'Hel' })
    // From the frame on that begins the model call: nothing older is open. The cursor's own frame is looked at to check the cursor.
    expect(read).toEqual(new Map([...once(82, 90), [last.n, 2]]))
  })

  test('that joins a long turn reads what its running tools need, not the turn', async () => {
    const id = await writer.session()
    await writer.append(id, begin('t', 'm'), { status: 'running' })
    for (let i = 0; i < 200; i++) await writer.append(id, [], { status: 'running' })
    const next = { call: 'm-t-2', attempt: 1, turn: 't', model: 'scripted/echo' }
    await writer.append(id, [{ type: 'model-call.started', data: next }], { status: 'running' })
    const last = await writer.append(id, [], { status: 'running' })
    writer.delta(id, 'Hel', 0, { call: 'm-t-2' })
    const first = (await writer.frames(id)).find(({ events }) => events.length > 1)!
    const stream = await watch(id, endCursor(id, first))
    expect((await stream.until('delta')).at(-1)?.data.data).toMatchObject({ call: 'm-t-2', text: 'Hel' })
    // What its history needs is read once, and nothing before its cursor.
    expect(Math.max(...[...read].filter(([n]) => n !== first.n).map(([, times]) => times))).toBe(1)
    expect(last.n).toBe(204)
    expect(read.has(1)).toBe(false)
  })

  test('that comes after the first reads what is no longer new, and nothing of what is', async () => {
    const id = await busySession()
    await (await watch(id)).until('delta')
    read.clear()
    expect(await (await watch(id)).until('delta')).toHaveLength(1 + 40 * 4 + 2 + 1)
    expect(read).toEqual(once(1, 81))
  })

  test('is shown all of a turn that is longer than what is kept', async () => {
    const id = await busySession()
    for (let i = 0; i < 300; i++)
      await writer.append(id, [{ type: 'session.renamed', data: { title: `${i}` } }], { status: 'running' })
    const first = (await (await watch(id)).until('delta')).map(({ id }) => id)
    const second = (await (await watch(id)).until('delta')).map(({ id }) => id)
    expect(new Set(first).size).toBe(first.length)
    expect(second).toEqual(first)
  })
})

describe('an old state', () => {
  async function longSession(frames: number): Promise<string> {
    const id = await writer.session()
    for (let n = 2; n <= frames; n++) {
      await writer.append(id, [{ type: 'session.renamed', data: { title: `${n}` } }])
      if (n % 64 === 0) {
        const all = await writer.frames(id)
        const { head, session } = foldFrames(emptyFold(id), all)
        const { seq, hash } = head
        await writer.journal.snapshots.write(id, { seq, n, hash, foldVersion, state: session })
      }
    }
    return id
  }
  const stateAt = async (id: string, n: number) => {
    const frame = (await writer.frames(id))[n - 1]!
    const { json } = await world.request('GET', `/v1/sessions/${id}/state?at=${endCursor(id, frame)}`)
    return json.state
  }

  test('is folded from the nearest snapshot, not from the first frame', async () => {
    const id = await longSession(640)
    read.clear()
    const frames = await writer.frames(id)
    expect(await stateAt(id, 500)).toEqual(
      JSON.parse(JSON.stringify(foldFrames(emptyFold(id), frames.slice(0, 500)).session)),
    )
    expect(Math.min(...read.keys())).toBeGreaterThanOrEqual(384)
    expect(Math.max(...read.values())).toBeLessThanOrEqual(2)
  })

  test('is folded from the first frame where the log contradicts the snapshot', async () => {
    const id = await longSession(130)
    const snapshot = (await writer.journal.snapshots.read(id, { upTo: 100 }))!
    await writer.journal.snapshots.delete(id)
    await writer.journal.snapshots.write(id, { ...snapshot, hash: 'of another log', state: {} })
    expect(await stateAt(id, 100)).toMatchObject({ title: '100' })
  })
})
