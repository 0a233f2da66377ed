// The command that splits the stream of sessions is killed with -9 at each of its steps and run again, while frames are appended and triggers
// taken, each writer going on from the head that it has. Nothing is lost, nothing stands twice, and every trigger comes.
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { backupUser, type Draft, type Head, makeShortId, makeUlid, toExec, toLog } from '@reins/contracts'
import { type Journal, openJournal } from '@reins/journal'
import { moveSteps } from '@reins/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { runReins, splitStreams } from '../harness/split-command.ts'
import { World } from '../harness/world.ts'

const deadline = 600_000
let world: World
beforeAll(async () => {
  world = await World.open({ nodes: 3 })
}, deadline)
afterAll(() => world?.close(), deadline)

test(
  'killed at each step under appends, the split goes on, and every frame and every trigger is there once',
  async () => {
    const options = { replicas: 3, ackWaitMs: 5000, now: Date.now } as const
    const journal = await openJournal(world.broker, options)
    let late: Promise<Journal> | undefined
    const { sessions, work } = journal
    expect(journal.streams.names).toEqual(['SES'])
    await work.ensurePool('exec', 'p', {})
    const roots = Array.from({ length: 12 }, (_, at) => makeUlid(1_700_000_000_000 + at, Math.random))
    const written = new Map<string, string[]>()
    let over = false

    const write = async (session: string): Promise<void> => {
      const ids: string[] = []
      written.set(session, ids)
      let head: Head = await sessions.head(session, { leader: true })
      for (; !over; await pause(50)) {
        const [n, id] = [head.n + 1, makeShortId(Math.random)]
        const draft: Draft = {
          ...{ id, n, prev: head.seq, at: 1, by: 'test', role: 'e', needs: 1, status: 'idle', pool: 'p' },
          events: [{ type: 'session.renamed', data: { title: `title ${n}` } }],
        }
        const outcome = await sessions.append(session, draft, n % 4 === 0 ? toExec('p') : toLog, head.hash)
        if (outcome.kind !== 'appended') throw new Error(`${session}: frame ${n} was refused`)
        ids.push(id)
        head = outcome.head
      }
    }
    const writers = Promise.all(roots.map(write))
    const taken = new Set<string>()
    const consumption = await work.consume('exec', 'p', {
      free: () => 64,
      on: (trigger) => {
        taken.add(`${trigger.session} ${trigger.frame.n}`)
        trigger.ack()
      },
      failed: (error) => {
        throw error
      },
    })
    const goesOn = async (): Promise<void> => {
      const before = [...written.values()].map(({ length }) => length)
      await eventually(() => [...written.values()].every(({ length }, at) => length > (before[at] ?? 0)), {
        withinMs: 120_000,
        describe: () => 'every writer goes on',
      })
    }
    await goesOn()

    for (const killedAt of moveSteps) {
      await splitStreams(world, { killedAt })
      // Whoever starts while nobody can append waits until the end.
      if (killedAt === 'deleted') late = openJournal(world.broker, options)
      if (killedAt === 'mirrored')
        await expect(
          runReins(world, ['backup', path.join(world.servers.folder, 'saved')], {
            NATS_URL: world.servers.natsUrl(backupUser),
          }),
        ).rejects.toThrow('are being split')
      if (killedAt === 'mirrored' || killedAt === 'copied-nearly' || killedAt === 'promoted') await goesOn()
    }
    const done = await splitStreams(world)
    expect(done?.said.kind).toBe('split-already')
    await goesOn()
    over = true
    await writers
    expect(journal.streams.names).toHaveLength(4)
    expect((await late)?.streams.names).toEqual(journal.streams.names)

    const triggers: string[] = []
    for (const session of roots) {
      const frames = await eventually(async () => {
        const found = await sessions.read(session)
        return found.length >= (written.get(session)?.length ?? 0) && found
      })
      expect(frames.map(({ id }) => id)).toEqual(written.get(session))
      expect(frames.map(({ n }) => n)).toEqual(frames.map((_, at) => at + 1))
      triggers.push(...frames.flatMap(({ n }) => (n % 4 === 0 ? [`${session} ${n}`] : [])))
    }
    await eventually(() => triggers.every((one) => taken.has(one)), { describe: () => 'every trigger came' })
    expect(taken.size).toBe(triggers.length)
    await consumption.close()
  },
  deadline,
)
