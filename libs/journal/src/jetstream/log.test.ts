import type { Broker } from '@reins/broker'
import { type Draft, sessionFilter, sessionStreamsOf, sessionSubject } from '@reins/contracts'
import { expect, test } from 'vitest'
import { createJetStreamLog } from './log.ts'

const session = '01JAAAAAAAAAAAAAAAAAAAAAAA'
const draft: Draft = {
  ...{ id: 'mine', role: 'e', n: 2, prev: 7, needs: 1, at: 5, by: 'executor-1', status: 'idle', pool: 'default' },
  events: [{ type: 'session.settled', data: { status: 'idle' } }],
} as unknown as Draft

const json = (value: object) => ({ string: () => JSON.stringify(value) })
const refusal = { error: { code: 400, err_code: 10164, description: 'wrong last sequence' } }

/** A broker that answers appends so, one after the other, and whose leader has `stored` behind sequence 7. */
function brokerThat(answers: readonly object[], stored: object | undefined): { broker: Broker; sent: string[] } {
  const sent: string[] = []
  const request = async (subject: string, body: string) => {
    if (subject.startsWith('ses.')) {
      sent.push(body)
      return { kind: 'reply', msg: json(answers[Math.min(sent.length, answers.length) - 1] ?? refusal) }
    }
    return { kind: 'reply', msg: json(stored ? { message: stored } : { error: { code: 404, err_code: 10037 } }) }
  }
  const broker = { request, nc: {}, seals: { signAll: () => undefined }, atEndOfTurn: setImmediate }
  return { broker: broker as unknown as Broker, sent }
}

const append = (answers: readonly object[], stored?: object) => {
  const { broker, sent } = brokerThat(answers, stored)
  const log = createJetStreamLog(broker, { streams: sessionStreamsOf(1), replicated: true })
  return { outcome: log.append(session, draft, { kind: 'log' }, 'hash'), sent }
}

test('a refusal behind which nothing stands is no answer: the same frame is sent again', async () => {
  const { outcome, sent } = append([refusal, refusal, { stream: 'SES', seq: 9 }])
  expect(await outcome).toMatchObject({ kind: 'appended', head: { seq: 9, n: 2 }, above: [] })
  expect(sent).toHaveLength(3)
  expect(new Set(sent).size).toBe(1)
})

test('another frame behind it refuses, and the same one behind it says that it is in', async () => {
  const stored = (id: string) => ({
    ...{ subject: sessionSubject(session, 'e', { kind: 'log' }), seq: 8, time: '2026-11-29T00:00:00Z', data: '' },
    hdrs: Buffer.from(
      `NATS/1.0\r\nReins-Frame: ${id}\r\nReins-N: 2\r\nNats-Expected-Last-Subject-Sequence: 7\r\nNats-Expected-Last-Subject-Sequence-Subject: ${sessionFilter(session)}\r\n\r\n`,
    ).toString('base64'),
  })
  const mine = append([refusal], stored('mine'))
  expect([(await mine.outcome).kind, mine.sent.length]).toEqual(['appended', 1])
  const others = append([refusal], stored('theirs'))
  expect([(await others.outcome).kind, others.sent.length]).toEqual(['refused', 1])
})
