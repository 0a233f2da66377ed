import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  draftOn,
  emptyHead,
  type Frame,
  type Head,
  headOf,
  type Role,
  type SessionEvent,
  toLog,
} from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { MemoryStream } from '../memory/stream.ts'
import type { SessionFrame, SessionLog } from '../port.ts'
import { type ArchiveReader, unreadable, withArchive } from './archive-reads.ts'

const root = `01H${'Z'.repeat(23)}`
const child = `${root}-c`
const named = (title: string): SessionEvent => ({ type: 'session.renamed', data: { title } })

/** Two sessions of a tree, in turns; each goes to the archive twice, and then goes on. */
class World {
  readonly stream = new MemoryStream()
  readonly objects = new Map<string, readonly Frame[]>()
  /** Sequences that the stream holds no more. */
  readonly gone = new Set<number>()
  readonly damaged = new Set<string>()
  readonly erased: string[] = []
  asked = 0

  say(session: string, role: Role, event: SessionEvent): Frame {
    const last = this.stream.last(session)?.frame
    const head: Head = last ? headOf(last) : emptyHead(session)
    const order = { events: [event], to: toLog, status: 'idle', pool: 'p', at: 1 } as const
    const draft = draftOn(head, { frame: `f${this.stream.lastSeq}`, by: 'somebody', role }, order)
    return this.stream.append(session, draft, toLog, head.hash, 1)!.frame
  }

  archive(session: string, taken: readonly Role[] = ['e', 't', 'm']): void {
    const frames = this.own(session).filter(({ seq }) => seq >= this.latest(session))
    const object = `${session}/${frames.length}/${this.objects.size}`
    this.objects.set(object, frames)
    const data = { object, first: frames[0]!.n, frames: frames.length, bytes: 1, digest: 'd' }
    const { seq } = this.say(session, 'm', { type: 'session.archived', data })
    for (const frame of this.own(session)) if (frame.seq < seq && taken.includes(frame.role)) this.gone.add(frame.seq)
  }

  own = (session: string): readonly Frame[] => this.stream.read(session).map(({ frame }) => frame)
  /** The frame that names the object of before. */
  latest = (session: string): number => this.own(session).findLast(({ role }) => role === 'm')?.seq ?? 0

  readonly log = withArchive(
    {
      head: async () => emptyHead(root),
      append: async () => {
        throw new Error('nobody appends here')
      },
      read: async (session, { after = 0, limit } = {}) =>
        this.own(session)
          .filter(({ seq }) => seq > after && !this.gone.has(seq))
          .slice(0, limit),
      readTree: async (_, { after = 0, limit } = {}) =>
        this.stream
          .readAll(after)
          .filter(({ frame }) => !this.gone.has(frame.seq))
          .slice(0, limit)
          .map(({ session, frame }) => ({ session, frame })),
      frameAt: async (session, seq) =>
        this.gone.has(seq) ? undefined : this.own(session).find((one) => one.seq === seq),
    },
    {
      latest: async (session) => {
        this.asked++
        return this.own(session).findLast((frame) => frame.role === 'm' && !this.gone.has(frame.seq))
      },
      ofTree: async () =>
        [root, child].flatMap((session) =>
          this.own(session).flatMap((frame) =>
            frame.role === 'm' && !this.gone.has(frame.seq) ? [{ session, frame }] : [],
          ),
        ),
      frames: async (_, archived) => {
        const [event] = archived.events
        const object = event?.type === 'session.archived' ? event.data.object : ''
        if (this.damaged.has(object)) throw unreadable(`${object} is damaged`)
        return this.objects.get(object) ?? []
      },
      erased: (session) => void this.erased.push(session),
    } satisfies ArchiveReader,
  )
}

function talk(world: World, taken?: readonly Role[]): void {
  for (let round = 0; round < 3; round++) {
    for (const session of [root, child]) {
      world.say(session, 'g', named(`g${round}`))
      world.say(session, 'e', named(`e${round}`))
      world.say(session, 'g', named(`h${round}`))
      world.say(session, 't', named(`t${round}`))
    }
    if (round < 2) for (const session of [child, root]) world.archive(session, taken)
  }
}

describe.each([
  ['all but what people said was taken out', undefined],
  ['a part was taken out', ['e'] as const],
  ['everything was taken out', ['g', 'e', 't', 'm'] as const],
  ['nothing was taken out yet', [] as const],
])('where %s', (_, taken) => {
  const world = new World()
  talk(world, taken)

  it('a session reads from each place, in pages of each size, as if nothing had been', async () => {
    for (const session of [root, child]) {
      const all = world.own(session)
      for (let after = 0; after <= world.stream.lastSeq; after++) {
        const rest = all.filter(({ seq }) => seq > after)
        expect(await world.log.read(session, { after })).toEqual(rest)
        for (const limit of [1, 2, 5])
          expect(await world.log.read(session, { after, limit })).toEqual(rest.slice(0, limit))
      }
      for (const frame of all) expect(await world.log.frameAt(session, frame.seq)).toEqual(frame)
      expect(await world.log.frameAt(session, world.stream.lastSeq + 1)).toBeUndefined()
    }
  })

  it('a tree does too, in its one order', async () => {
    const all = world.stream.readAll().map(({ session, frame }) => ({ session, frame }))
    for (let after = 0; after <= world.stream.lastSeq; after++) {
      const rest = all.filter(({ frame }) => frame.seq > after)
      expect(await world.log.readTree(root, { after })).toEqual(rest)
      for (const limit of [1, 2, 5])
        expect(await world.log.readTree(root, { after, limit })).toEqual(rest.slice(0, limit))
    }
  })
})

it('a session of which an object is not what was put there hides no other one of its tree, and is named', async () => {
  const world = new World()
  talk(world)
  for (const object of world.objects.keys()) if (object.startsWith(`${child}/`)) world.damaged.add(object)
  for (const limit of [2, 500]) {
    const named = new Set<string>()
    const found: SessionFrame[] = []
    for (let after = 0, more = true; more; ) {
      const page = await world.log.readTree(root, { after, limit, onUnreadable: (id) => named.add(id) })
      found.push(...page)
      after = page.at(-1)?.frame.seq ?? after
      more = page.length === limit
    }
    const of = (session: string) => found.filter((one) => one.session === session).map(({ frame }) => frame)
    expect(of(root)).toEqual(world.own(root))
    expect(of(child)).toEqual(world.own(child).filter(({ seq }) => !world.gone.has(seq)))
    expect([...named]).toEqual([child])
  }
  await expect(world.log.read(child)).rejects.toThrow(/damaged/)
})

it('a session that was erased is not named any more, though something of it could not be read', async () => {
  const world = new World()
  talk(world)
  world.say(child, 'g', { type: 'session.erased', data: { hash: 'h' } })
  for (const object of world.objects.keys()) world.damaged.add(object)
  expect((await world.log.read(child)).map(({ role }) => role)).toEqual(['g'])
  expect(world.erased).toEqual([child])
})

it('the archive is not asked for anything of a session that lacks nothing', async () => {
  const world = new World()
  for (let n = 0; n < 5; n++) world.say(root, 'e', named(String(n)))
  await world.log.read(root)
  await world.log.read(root, { after: 2, limit: 2 })
  expect(world.asked).toBe(0)
})

it('a page of a tree holds itself and one object, however much else the tree has in the archive (AR6)', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const [sessions, frames] = [40, 100]
  const last = sessions * frames
  const held: number[] = []
  const frame = (seq: number, prev: number, event: SessionEvent): Frame =>
    ({ seq, prev, role: 'm', n: seq, events: [event] }) as unknown as Frame
  const data = { object: 'o', first: 1, frames, bytes: 1, digest: 'd' }
  const none: Omit<SessionLog, 'forkOf'> = {
    ...{ read: async () => [], readTree: async () => [], frameAt: async () => undefined },
    head: async () => emptyHead(root),
    append: async () => {
      throw new Error('nobody appends here')
    },
  }
  const log = withArchive(none, {
    erased: () => {},
    latest: async () => undefined,
    ofTree: async () =>
      Array.from({ length: sessions }, (_, at) => ({
        session: `${root}-${at}`,
        frame: frame(last + at + 1, last, { type: 'session.archived', data }),
      })),
    frames: async (session) => {
      collect()
      held.push(process.memoryUsage().heapUsed)
      const at = Number(session.slice(root.length + 1))
      return Array.from({ length: frames }, (_, n) =>
        frame(n * sessions + at + 1, n, named(randomBytes(9000).toString('hex'))),
      )
    },
  })
  const page = await log.readTree(root, { limit: 10 })
  expect(page.map(({ frame: { seq } }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(held).toHaveLength(sessions)
  // An object is about 2 MB, and all of them 72.
  expect(Math.max(...held) - held[0]!).toBeLessThan(20_000_000)
})
