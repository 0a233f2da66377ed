// A cluster whose nodes go and come back while a backup is made: what is asked of nobody is asked again.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Msg } from '@nats-io/transport-node'
import type { Broker } from '@reins/broker'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { durablesOf } from './durables.ts'
import { saveStream, silentMs } from './stream-snapshot.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'reins-snapshot-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

type Answer = Record<string, unknown> | 'lost'

/** Answers one request after the other; `pieces` are what each request for a stream has it send to its inbox. */
function cluster(answers: readonly Answer[], pieces: readonly (readonly string[])[] = []) {
  const heard = new Map<string, (error: Error | null, msg: Msg) => void>()
  const asked: string[] = []
  const bytes = (text: string) => new TextEncoder().encode(text)
  const nc = {
    subscribe(subject: string, { callback }: { callback: (error: Error | null, msg: Msg) => void }) {
      heard.set(subject, callback)
      return { unsubscribe: () => undefined }
    },
    publish: () => undefined,
    async request(_: string, payload: string) {
      const n = asked.push(payload) - 1
      const { deliver_subject: inbox } = JSON.parse(payload) as { deliver_subject?: string }
      setImmediate(() => {
        for (const piece of pieces[n] ?? []) heard.get(inbox ?? '')?.(null, { data: bytes(piece) } as Msg)
      })
      const answer = answers[n]
      if (answer === undefined || answer === 'lost') throw Object.assign(new Error('timeout'), { name: 'TimeoutError' })
      return { data: bytes(JSON.stringify(answer)) }
    },
  }
  return { broker: { nc } as unknown as Broker, asked }
}

const begun = { config: { name: 'SES' }, state: { messages: 2 } }

test('a stream that was asked of no leader is asked for again, and what a leader of before still sends is not in it', async () => {
  const { broker, asked } = cluster(
    ['lost', begun],
    [
      ['old', ''],
      ['new ', 'bytes', ''],
    ],
  )
  const file = path.join(folder, 'SES')
  expect(await saveStream(broker, 'SES', file, '_INBOX.backup')).toMatchObject({ config: begun.config, bytes: 9 })
  expect(readFileSync(file, 'utf8')).toBe('new bytes')
  expect(asked.length).toBe(2)
})

test('a stream of which nothing more comes is saved from its beginning', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { broker } = cluster([begun, begun], [['half'], ['whole', '']])
  const file = path.join(folder, 'SES')
  const saving = saveStream(broker, 'SES', file, '_INBOX.backup')
  await vi.waitUntil(() => existsSync(file) && readFileSync(file, 'utf8') === 'half', { timeout: 60_000 })
  await vi.advanceTimersByTimeAsync(silentMs)
  expect(await saving).toMatchObject({ bytes: 5 })
  expect(readFileSync(file, 'utf8')).toBe('whole')
})

test('what nats-server refuses is told at once, and leaves no file', async () => {
  const { broker, asked } = cluster([{ error: { description: 'stream not found' } }])
  const file = path.join(folder, 'SES')
  await expect(saveStream(broker, 'SES', file, '_INBOX.backup')).rejects.toThrow('stream not found')
  expect(existsSync(file)).toBe(false)
  expect(asked.length).toBe(1)
})

const one = { name: 'turns', config: { durable_name: 'turns' }, ack_floor: { stream_seq: 7 } }
const other = { name: 'calls', config: { durable_name: 'calls' }, ack_floor: { stream_seq: 9 } }
const passing = { name: 'x', config: {}, ack_floor: { stream_seq: 1 } }
const floors = async (broker: Broker) =>
  [...(await durablesOf(broker, 'SES'))].map(([name, { floor }]) => [name, floor])

test('a list of consumers that misses those of a node that does not answer is asked for again', async () => {
  const { broker } = cluster([
    ...(['lost', { total: 3, consumers: [one, passing], missing: ['calls'] }] as const),
    ...[
      { total: 3, consumers: [one, passing] },
      { total: 3, consumers: [other] },
    ],
  ])
  expect(await floors(broker)).toEqual([
    ['turns', 7],
    ['calls', 9],
  ])
})

test('what stays missing, on a node that is away, is no durable', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
  const { broker, asked } = cluster(Array(200).fill({ total: 2, consumers: [one], missing: ['x'] }))
  const found = floors(broker)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await found).toEqual([['turns', 7]])
  expect(asked.length).toBeGreaterThan(1)
})
