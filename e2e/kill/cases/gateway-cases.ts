// PROTOCOL 12, the rows of the gateway and of memory.
import type { MessageAccepted } from '@reins/contracts'
import { expect } from 'vitest'
import { Api } from '../../harness/api.ts'
import { Follower } from '../../harness/follower.ts'
import { attemptOf, type Case, countOf, wrongIn } from '../bench.ts'

function killedInRequest(point: string, title: string): Case {
  return {
    slug: point.replaceAll('.', '-'),
    title,
    async run(bench) {
      const { world } = bench
      const victim = await world.start('session-gateway', { pauseAt: point })
      await bench.agent()
      const watched = await bench.begin('say first')
      await watched.followers[0]?.sees(({ type }) => type === 'turn.completed')
      const path = `/v1/sessions/${watched.session}/messages`
      const body = { content: bench.leavesLine() }
      const key = `${bench.slug}-key`
      const cut = new Api(() => [victim.url], world.token).once('POST', path, body, { key }).catch(() => 'cut')
      await victim.paused()
      await victim.kill()
      expect(await cut).toBe('cut')
      const first = await world.api.once<MessageAccepted>('POST', path, body, { key, gateway: 0 })
      const second = await world.api.once<MessageAccepted>('POST', path, body, { key, gateway: 1 })
      expect([first.status, second.status]).toEqual([202, 202])
      expect(second.body).toEqual(first.body)
      const log = await bench.sound(watched)
      expect(countOf(log, 'message.received', { message: first.body.messageId })).toBe(1)
      expect(countOf(log, 'message.received')).toBe(2)
      expect(bench.ran(watched.session)).toBe(1)
    },
  }
}

const killedWhileFollowed: Case = {
  slug: 'gateway-followed',
  title: 'a gateway killed in the middle of a sentence: its clients go on at another one, with no gap and no repeat',
  async run(bench) {
    const { world } = bench
    const victim = await world.start('session-gateway', { pauseAt: 'nowhere' })
    await bench.agent()
    const { session } = await world.api.create(bench.slug)
    const urls = () => [victim, ...world.gateways].filter((one) => one.alive()).map(({ url }) => url)
    const api = new Api(urls, world.token)
    const followers = [new Follower(api, session.id, 0), world.follow(session.id, 0)]
    const hit = followers[0]
    await hit?.sees(({ type }) => type === 'session.started')
    await world.api.send(session.id, 'stream 160 every 50')
    await hit?.seesText()
    const before = hit?.shown ?? 0
    await victim.kill()
    await hit?.showsMoreThan(before)
    const log = await bench.sound({ session: session.id, followers })
    expect(countOf(log, 'model-call.completed')).toBe(1)
    expect(hit?.connections).toBeGreaterThan(1)
    expect(wrongIn(followers, log)).toEqual([])
  },
}

const timerSurvives: Case = {
  slug: 'memory-timers',
  title: 'memory killed before and after it appends that a timer fired: it fires late, and the turn goes on once',
  async run(bench) {
    const { world } = bench
    const first = await world.start('memory', { pauseAt: 'memory.before-append' })
    await bench.agent()
    const watched = await bench.begin('fail rate-limited once retry 100')
    await first.paused()
    await first.kill()
    const second = await world.start('memory', { pauseAt: 'memory.after-append' })
    await second.paused()
    await second.kill()
    const third = await world.start('memory')
    const log = await bench.sound(watched)
    expect(countOf(log, 'model-call.throttled')).toBe(1)
    expect(countOf(log, 'timer.fired')).toBeGreaterThanOrEqual(1)
    expect(attemptOf(log)).toBeGreaterThanOrEqual(2)
    expect(countOf(log, 'turn.completed')).toBe(1)
    expect(third.alive()).toBe(true)
  },
}

export const gatewayCases: readonly Case[] = [
  killedInRequest(
    'gateway.before-append',
    'a gateway killed before it appends a message: repeated with its key elsewhere, the message is in once',
  ),
  killedInRequest(
    'gateway.after-append',
    'a gateway killed behind the append of a message: repeated with its key elsewhere, the answer is the same and nothing is in twice',
  ),
  killedWhileFollowed,
  timerSurvives,
]
