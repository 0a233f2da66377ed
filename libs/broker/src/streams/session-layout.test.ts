// What the streams that are there say of a split, at each of its steps.
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream'
import { movedMark } from '@reins/contracts'
import { expect, test } from 'vitest'
import { sessionStreamsThere, splitState } from './session-layout.ts'

interface There {
  readonly subjects?: readonly string[]
  readonly allow_direct?: boolean
  readonly mirror?: object
}

const withStreams = (there: Readonly<Record<string, There>>): JetStreamManager =>
  ({
    streams: {
      info: async (name: string) => {
        const config = there[name]
        if (config) return { config: { allow_direct: true, ...config } }
        throw new JetStreamApiError({ code: 404, err_code: 10059, description: 'stream not found' })
      },
    },
  }) as unknown as JetStreamManager

const open: There = { subjects: ['ses.>'] }
const closed: There = { subjects: [movedMark] }
const mirror: There = { mirror: { name: 'SES' } }
const own: There = { subjects: ['ses.0.>'] }
const four = (...parts: readonly There[]) =>
  Object.fromEntries([0, 1, 2, 3].map((at) => [`SES-${at}`, parts[at] ?? parts[0] ?? {}]))

test.each([
  ['nothing was made', {}, undefined, 'none'],
  ['there is one', { SES: open }, 1, 'none'],
  ['the copy has begun', { SES: open, 'SES-0': mirror }, 1, 'under-way'],
  ['the copy is made', { SES: open, ...four(mirror) }, 1, 'under-way'],
  ['the one is closed', { SES: closed, ...four(mirror) }, 'moving', 'under-way'],
  ['the one is gone and the four are read', four(mirror), 'moving', 'done'],
  ['the first takes appends', four(own, mirror, mirror, mirror), 'moving', 'done'],
  ['all take appends', four(own), 4, 'done'],
  ['the first of four is made', { 'SES-0': own }, 4, 'done'],
] as const)('%s', async (_, there, count, state) => {
  const manager = withStreams(there)
  expect(await sessionStreamsThere(manager).catch((error: Error) => error.name)).toBe(
    count === 'moving' ? 'SessionsMoving' : count,
  )
  expect(await splitState(manager)).toBe(state)
})
