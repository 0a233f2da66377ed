// Forks, killed around their first frame and their first turn. The session that is forked goes on meanwhile.
import { randomUUID } from 'node:crypto'
import type { CreatedSession } from '@reins/contracts'
import { expect } from 'vitest'
import { eventually } from '../../harness/eventually.ts'
import { type Bench, type Case, countOf } from '../bench.ts'

const fork = (bench: Bench, source: string, body: unknown, key: string = randomUUID()) =>
  bench.world.api.stubborn<CreatedSession>('POST', `/v1/sessions/${source}/fork`, body, { key })

/** Both logs are whole, and at rest: of the source, and of the fork over the border. */
async function bothSound(bench: Bench, source: string, forked: string) {
  for (const session of [source, forked]) await bench.world.settled(session)
  expect(await bench.world.verdict(source)).toEqual([])
  expect(await bench.world.verdict(forked, [bench.world.follow(forked, 0)])).toEqual([])
  return { source: await bench.world.readLog(source), fork: await bench.world.readLog(forked) }
}

export const forkCases: readonly Case[] = [
  {
    slug: 'fork-in-call',
    title:
      'a session that is forked in the middle of a tool call: it goes on, and the fork runs the call no second time',
    async run(bench) {
      await bench.agent()
      const { session, followers } = await bench.begin(bench.leavesLine('; sleep 2'))
      await followers[0]?.sees(({ type }) => type === 'tool-call.started')
      // Some of them lie in another stream than the source.
      const forks = await Promise.all([1, 2, 3].map(() => fork(bench, session, { message: 'say on' })))
      for (const { body } of forks) {
        const logs = await bothSound(bench, session, body.session.id)
        expect(countOf(logs.source, 'tool-call.completed', { status: 'ok' })).toBe(1)
        expect(countOf(logs.source, 'turn.completed')).toBe(1)
        expect(countOf(logs.fork, 'turn.completed')).toBe(1)
        expect([bench.ran(session), bench.ran(body.session.id)]).toEqual([1, 0])
      }
    },
  },
  {
    slug: 'fork-executor',
    title: 'an executor that is killed in the first answer of a fork: another one goes on, over the border',
    async run(bench) {
      await bench.agent()
      const { session } = await bench.begin('say before')
      await bench.world.settled(session)
      const victim = await bench.victim('executor', 'executor.in-stream')
      const forks: string[] = []
      for (let tries = 0; tries < 20 && !victim.isPaused(); tries++) {
        const { body } = await fork(bench, session, { message: 'stream 10 every 20' })
        forks.push(body.session.id)
        await eventually(async () => {
          if (victim.isPaused()) return true
          const log = await bench.world.readLog(body.session.id)
          return countOf(log, 'turn.completed') > 1
        })
      }
      await victim.kill()
      for (const forked of forks) {
        const logs = await bothSound(bench, session, forked)
        expect(countOf(logs.fork, 'turn.completed')).toBe(2)
      }
    },
  },
  {
    slug: 'fork-gateway',
    title: 'a gateway that is killed before and after the append of a fork: a repeated request makes one fork',
    async run(bench) {
      const { world } = bench
      await bench.agent()
      const { session } = await bench.begin('say before')
      await world.settled(session)
      for (const point of ['gateway.before-append', 'gateway.after-append']) {
        const victim = await world.start('session-gateway', { pauseAt: point })
        world.gateways.splice(world.gateways.indexOf(victim), 1)
        const key = randomUUID()
        const asked = fetch(`${victim.url}/v1/sessions/${session}/fork`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${world.token}`,
            'content-type': 'application/json',
            'idempotency-key': key,
          },
          body: JSON.stringify({ message: 'say on' }),
        }).catch(() => undefined)
        await victim.paused()
        await victim.kill()
        await asked
        const first = await fork(bench, session, { message: 'say on' }, key)
        const again = await fork(bench, session, { message: 'say on' }, key)
        expect(again.body.session.id).toBe(first.body.session.id)
        const logs = await bothSound(bench, session, first.body.session.id)
        expect(countOf(logs.fork, 'session.forked')).toBe(1)
        expect(countOf(logs.fork, 'message.received')).toBe(2)
      }
    },
  },
]
