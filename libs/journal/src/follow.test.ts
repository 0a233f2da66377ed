import { emptyHead, type Frame, type SessionEvent } from '@reins/contracts'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type FollowOptions, follow } from './follow.ts'
import type { LiveDelta, RepublishedFrame, SessionFeed, SessionFrame, SessionLog } from './port.ts'

const root = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const child = `${root}-0123456789abcdef`

/** A log and a feed by hand: the test says what the feed loses, repeats and reorders. */
class Wire
  implements
    Pick<SessionLog, 'read' | 'readTree' | 'head'>,
    Pick<SessionFeed, 'frames' | 'framesHere' | 'deltas' | 'onReconnect'>
{
  readonly log: SessionFrame[] = []
  readonly reads: number[] = []
  readonly listeners = new Set<(frame: RepublishedFrame) => void>()
  /** Of this process. */
  readonly here = new Set<(frame: RepublishedFrame) => void>()
  readonly reconnects = new Set<() => void>()
  beforeRead: (() => void) | undefined
  afterRead: (() => void) | undefined
  failures = 0

  put(session = root, events: readonly SessionEvent[] = []): SessionFrame {
    const before = this.log.filter((one) => one.session === session).at(-1)?.frame
    const seq = (this.log.at(-1)?.frame.seq ?? 0) + 1
    const n = (before?.n ?? 0) + 1
    const frame: Frame = {
      ...emptyHead(session),
      ...{ seq, n, id: `f${seq}`, prev: before?.seq ?? 0, at: 0, by: 'x', role: 'e', events },
    }
    this.log.push({ session, frame })
    return { session, frame }
  }

  publish(one: SessionFrame): void {
    for (const on of this.listeners) on({ ...one, to: { kind: 'log' } })
  }

  append(session = root, events: readonly SessionEvent[] = []): void {
    this.publish(this.put(session, events))
  }

  async head(of: string | { readonly tree: string }) {
    const session = typeof of === 'string' ? of : of.tree
    return this.log.filter((one) => one.session === session).at(-1)?.frame ?? emptyHead(session)
  }

  async readTree(_root: string, { after = 0, limit }: { after?: number; limit?: number } = {}) {
    this.beforeRead?.()
    this.reads.push(after)
    const found = this.log.filter(({ frame }) => frame.seq > after).slice(0, limit)
    this.afterRead?.()
    return found
  }

  async read(of: string, options: { after?: number; limit?: number } = {}) {
    this.beforeRead?.()
    if (this.failures-- > 0) throw new Error('no broker')
    this.reads.push(options.after ?? 0)
    return this.log
      .filter(({ session, frame }) => session === of && frame.seq > (options.after ?? 0))
      .map(({ frame }) => frame)
      .slice(0, options.limit)
  }

  frames(_of: unknown, on: (frame: RepublishedFrame) => void) {
    this.listeners.add(on)
    return { close: () => void this.listeners.delete(on) }
  }

  framesHere(_of: string, on: (frame: RepublishedFrame) => void) {
    this.here.add(on)
    return { close: () => void this.here.delete(on) }
  }

  appendHere(): void {
    const one = this.put()
    for (const on of this.here) on({ ...one, to: { kind: 'log' } })
  }

  deltas(_of: unknown, _on: (delta: LiveDelta) => void) {
    return { close: () => {} }
  }

  onReconnect(on: () => void) {
    this.reconnects.add(on)
    return { close: () => void this.reconnects.delete(on) }
  }

  follow(of: string | { tree: string }, fromSeq: number, options: FollowOptions = { joinCheckMs: 1 }) {
    const got: string[] = []
    const onFrames = (frames: readonly SessionFrame[]) => {
      for (const { session, frame } of frames)
        got.push(`${session === root ? 'root' : 'child'}:${frame.n}@${frame.seq}`)
    }
    const wire = this as unknown as SessionLog & SessionFeed
    const following = follow(wire, wire, of, fromSeq, { onFrames }, options)
    return { got, following }
  }
}

describe('following a session', () => {
  test('from the head reads nothing, and reads what is missing when the next frame does not continue it', async () => {
    const wire = new Wire()
    wire.append()
    const { got, following } = wire.follow(root, 1, { joinCheckMs: 60_000, atHead: true })
    await following.joined
    wire.append()
    expect([got, wire.reads]).toEqual([['root:2@2'], []])
    wire.put()
    wire.append()
    await following.settled()
    expect([got, wire.reads]).toEqual([['root:2@2', 'root:3@3', 'root:4@4'], [2]])
    following.close()
  })

  test('whose writers are all in this process hears them, and asks the broker for nothing at first', async () => {
    const wire = new Wire()
    wire.append()
    const { got, following } = wire.follow(root, 1, { joinCheckMs: 60_000, atHead: true, writersHere: true })
    await following.joined
    wire.appendHere()
    wire.appendHere()
    expect([got, wire.reads, wire.listeners.size]).toEqual([['root:2@2', 'root:3@3'], [], 0])
    following.close()
    expect(wire.here.size + wire.reconnects.size).toBe(0)
  })

  test('finds what a writer elsewhere appended: at the next frame of one here, or at the comparison after joining', async () => {
    const wire = new Wire()
    wire.append()
    const { got, following } = wire.follow(root, 1, { joinCheckMs: 60_000, atHead: true, writersHere: true })
    wire.append()
    wire.appendHere()
    await following.settled()
    expect(got).toEqual(['root:2@2', 'root:3@3'])
    following.close()
    const late = wire.follow(root, 3, { joinCheckMs: 1, atHead: true, writersHere: true })
    wire.append()
    await expect.poll(() => late.got).toEqual(['root:4@4'])
    wire.append()
    expect(late.got).toEqual(['root:4@4', 'root:5@5'])
    late.following.close()
    expect(wire.listeners.size).toBe(0)
  })

  test('compares once no frame has come for a while, however long ago it joined', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const wire = new Wire()
    wire.append()
    const { got, following } = wire.follow(root, 1, { atHead: true, writersHere: true })
    for (let i = 0; i < 6; i++) {
      await vi.advanceTimersByTimeAsync(200)
      wire.appendHere()
    }
    expect([got.length, wire.listeners.size]).toEqual([6, 0])
    wire.append()
    await vi.advanceTimersByTimeAsync(500)
    expect([got.length, wire.listeners.size]).toEqual([7, 1])
    following.close()
  })

  test('hands over once what is heard here and told by the broker as well', async () => {
    const wire = new Wire()
    wire.append()
    const { got, following } = wire.follow(root, 1, { joinCheckMs: 1, atHead: true, writersHere: true })
    await expect.poll(() => wire.listeners.size).toBe(1)
    const one = wire.put()
    for (const on of [...wire.here, ...wire.listeners]) on({ ...one, to: { kind: 'log' } })
    expect(got).toEqual(['root:2@2'])
    following.close()
  })

  test('asks the broker also where the first comparison comes after a read that failed', async () => {
    const wire = new Wire()
    wire.append()
    wire.failures = 1
    const { got, following } = wire.follow(root, 1, { joinCheckMs: 1, atHead: true, writersHere: true })
    wire.append()
    wire.appendHere()
    await expect.poll(() => got).toEqual(['root:2@2', 'root:3@3'])
    await expect.poll(() => wire.listeners.size).toBe(1)
    following.close()
  })

  test('hands over history, then what comes, each frame once and in order', async () => {
    const wire = new Wire()
    wire.append()
    wire.append()
    const { got, following } = wire.follow(root, 0)
    wire.append()
    await following.joined
    wire.append()
    expect(got).toEqual(['root:1@1', 'root:2@2', 'root:3@3', 'root:4@4'])
    expect(following.position()).toBe(4)
    following.close()
    wire.append()
    expect(got).toHaveLength(4)
    expect(wire.listeners.size + wire.reconnects.size).toBe(0)
  })

  test('hands over only what lies after the sequence that it begins at', async () => {
    const wire = new Wire()
    for (let i = 0; i < 5; i++) wire.append()
    const { got, following } = wire.follow(root, 3)
    await following.joined
    wire.append()
    expect(got).toEqual(['root:4@4', 'root:5@5', 'root:6@6'])
    following.close()
  })

  test('reads in pages', async () => {
    const wire = new Wire()
    for (let i = 0; i < 7; i++) wire.append()
    const { got, following } = wire.follow(root, 0, { pageSize: 3 })
    await following.joined
    expect(got).toHaveLength(7)
    expect(wire.reads).toEqual([0, 3, 6])
    following.close()
  })

  test('reads what the feed lost, before it hands over what came after the gap', async () => {
    const wire = new Wire()
    const { got, following } = wire.follow(root, 0)
    await following.joined
    wire.put()
    wire.put()
    wire.append()
    expect(got).toEqual([])
    await following.settled()
    expect(got).toEqual(['root:1@1', 'root:2@2', 'root:3@3'])
    following.close()
  })

  test('drops what the feed repeats', async () => {
    const wire = new Wire()
    const { got, following } = wire.follow(root, 0)
    await following.joined
    const one = wire.put()
    wire.publish(one)
    wire.publish(one)
    wire.append()
    wire.publish(one)
    expect(got).toEqual(['root:1@1', 'root:2@2'])
    following.close()
  })

  test('hands over once what both the feed and the reading bring', async () => {
    const wire = new Wire()
    wire.append()
    wire.beforeRead = () => {
      wire.beforeRead = undefined
      wire.append()
      wire.append()
    }
    const { got, following } = wire.follow(root, 0)
    await following.joined
    expect(got).toEqual(['root:1@1', 'root:2@2', 'root:3@3'])
    following.close()
  })

  test('reads on after a reconnect, and when the head is ahead', async () => {
    const wire = new Wire()
    const { got, following } = wire.follow(root, 0)
    await following.joined
    wire.put()
    for (const on of wire.reconnects) on()
    await following.settled()
    expect(got).toEqual(['root:1@1'])
    wire.put()
    await following.compare()
    expect(got).toEqual(['root:1@1', 'root:2@2'])
    following.close()
  })

  test('says that the first read failed, and is there when reading works again', async () => {
    const wire = new Wire()
    wire.append()
    wire.failures = 1
    const { got, following } = wire.follow(root, 0, { joinCheckMs: 100_000 })
    await expect(following.joined).rejects.toThrow('no broker')
    expect(got).toEqual([])
    for (const on of wire.reconnects) on()
    await following.settled()
    expect(got).toEqual(['root:1@1'])
    following.close()
  })

  test('takes frames that somebody else has read', async () => {
    const wire = new Wire()
    const { got, following } = wire.follow(root, 0)
    await following.joined
    const one = wire.put()
    following.offer([one])
    wire.publish(one)
    expect(got).toEqual(['root:1@1'])
    following.close()
  })
})

describe('following a tree', () => {
  test('hands over the sessions of a tree in one order, with the session of each frame', async () => {
    const wire = new Wire()
    wire.append(root)
    wire.append(root)
    wire.append(child)
    wire.append(root)
    const { got, following } = wire.follow({ tree: root }, 1)
    await following.joined
    expect(got).toEqual(['root:2@2', 'child:1@3', 'root:3@4'])
    wire.append(child)
    wire.put(child)
    wire.append(child)
    await following.settled()
    expect(got.slice(3)).toEqual(['child:2@5', 'child:3@6', 'child:4@7'])
    following.close()
  })

  test('never hands over a frame of one session before an earlier one of another', async () => {
    const wire = new Wire()
    wire.append(root)
    wire.append(child)
    // While it reads, what comes is behind all that it reads, whose ever it is.
    wire.afterRead = () => {
      wire.afterRead = undefined
      wire.append(root)
      wire.append(child)
    }
    const { got, following } = wire.follow({ tree: root }, 0)
    await following.joined
    expect(got).toEqual(['root:1@1', 'child:1@2', 'root:2@3', 'child:2@4'])
    // Of a session that it has not seen since it began.
    wire.put(root)
    wire.put(child)
    wire.append(child)
    await following.settled()
    expect(got.slice(4)).toEqual(['root:3@5', 'child:3@6', 'child:4@7'])
    following.close()
  })

  test('takes the next frame of a session of which nothing came behind the place where it began', async () => {
    const wire = new Wire()
    wire.append(root)
    wire.append(child)
    const { got, following } = wire.follow({ tree: root }, 2, { joinCheckMs: 60_000 })
    await following.joined
    const reads = wire.reads.length
    wire.append(child)
    wire.append(root)
    expect([got, wire.reads.length]).toEqual([['child:2@3', 'root:2@4'], reads])
    following.close()
  })

  test('finds what the feed lost of one session when it compares, whatever has come of others', async () => {
    const wire = new Wire()
    wire.append(root)
    const { got, following } = wire.follow({ tree: root }, 0, { joinCheckMs: 60_000 })
    await following.joined
    wire.put(child)
    wire.append(root)
    await following.compare()
    expect(got).toEqual(['root:1@1', 'root:2@3', 'child:1@2'])
    following.close()
  })

  test('reads in pages', async () => {
    const wire = new Wire()
    for (let i = 0; i < 7; i++) wire.append(i % 2 ? child : root)
    const { got, following } = wire.follow({ tree: root }, 0, { pageSize: 3, joinCheckMs: 60_000 })
    await following.joined
    expect(got).toHaveLength(7)
    expect(wire.reads).toEqual([0, 3, 6])
    following.close()
  })
})
