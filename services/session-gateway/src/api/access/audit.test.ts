import { describe, expect, test } from 'vitest'
import type { Caller } from '../caller.ts'
import { type AuditMessage, type AuditSource, auditPage } from './audit.ts'

const caller: Caller = { principal: 'admin', kind: 'person', by: 'user:admin', roles: [], permissions: ['audit:read'] }
const said = (seq: number, at: number, type: string, by = 'user:ann'): AuditMessage => ({
  ...{ seq, at, by, on: 'S', bytes: 50, events: [{ type, data: { content: 'secret words' } }] },
})
const record = (seq: number, at: number, on: string, value: Record<string, unknown>): AuditMessage => ({
  ...{ seq, at, by: 'user:bob', on, bytes: 50, events: [], value },
})
const logs = {
  sessions: [
    said(1, 10, 'session.started'),
    said(4, 30, 'message.received'),
    said(9, 50, 'cancel.requested', 'user:eve'),
  ],
  registry: [
    record(1, 5, 'agent coder', {}),
    record(2, 20, 'token 0123456789abcdef9999', { principal: 'ci', revoked: false }),
    record(3, 25, 'version abc', {}),
    record(4, 40, 'denial x', {
      principal: 'eve',
      operation: 'GET /v1/agents',
      permission: 'agent:x:read',
      from: '::1',
      count: 7,
    }),
    record(5, 60, 'secret ONE', { kind: 'removed', sealed: 'xx' }),
    record(6, 70, 'principal ann', { banned: true }),
  ],
}
/** Two at a time, whatever is asked for. */
const source: AuditSource = {
  streams: [
    { kind: 'sessions', name: 'SES' },
    { kind: 'registry', name: 'REG' },
  ],
  read: async ({ kind }, from) => {
    const rest = logs[kind].filter((one) => ('after' in from ? one.seq > from.after : one.at >= from.since))
    return { messages: rest.slice(0, 2), ended: rest.length <= 2 }
  },
}
const asked = { since: 10, limit: 100, after: undefined, denied: false, principal: undefined }
const told = async (request: Partial<typeof asked> = {}) =>
  (await auditPage(caller, source, { ...asked, ...request })).entries.map(
    ({ at, by, did, on }) => `${at} ${by} ${did} ${on}`,
  )

describe('the audit', () => {
  test('tells in one row what stands in both logs, and nothing of what was said or kept', async () => {
    expect(await told()).toEqual([
      '10 user:ann session.started session S',
      '20 user:bob token.written token 0123456789abcdef of ci',
      '30 user:ann message.received session S',
      '40 user:eve GET /v1/agents gateway',
      '50 user:eve cancel.requested session S',
      '60 user:bob secret.removed secret ONE',
      '70 user:bob principal.banned principal ann',
    ])
    expect(JSON.stringify(await auditPage(caller, source, asked))).not.toMatch(/secret words|xx|9999/)
  })

  test('is the same in pages, each from where the one before ended', async () => {
    const rows: number[] = []
    let after: string | undefined
    do {
      const page = await auditPage(caller, source, { ...asked, limit: 2, after } as never)
      rows.push(...page.entries.map(({ at }) => at))
      after = page.next
    } while (after !== undefined)
    expect(rows).toEqual([10, 20, 30, 40, 50, 60, 70])
  })

  test('ends a page after so many bytes as well, and goes on behind them', async () => {
    const large = Array.from({ length: 90 }, (_, at) => ({ ...said(at + 1, at + 20, 'message.received'), bytes: 1e6 }))
    let read = 0
    const heavy: AuditSource = {
      streams: source.streams,
      read: async ({ kind }, from) => {
        if (kind === 'registry') return { messages: [], ended: true }
        const rest = large.filter(({ seq }) => seq > ('after' in from ? from.after : 0)).slice(0, 4)
        read += rest.length
        return { messages: rest, ended: rest.length === 0 }
      },
    }
    const first = await auditPage(caller, heavy, { ...asked, denied: true })
    expect([first.entries, read < 40]).toEqual([[], true])
    const shown: number[] = []
    let after: string | undefined
    do {
      const page = await auditPage(caller, heavy, { ...asked, limit: 1000, after } as never)
      shown.push(...page.entries.map(({ at }) => at))
      after = page.next
    } while (after !== undefined)
    expect(shown).toEqual(large.map(({ at }) => at))
  })

  test('can be of what was denied, or of one principal, and needs its permission', async () => {
    const { entries } = await auditPage(caller, source, { ...asked, denied: true })
    expect(entries).toEqual([
      {
        ...{ at: 40, by: 'user:eve', did: 'GET /v1/agents', on: 'gateway', outcome: 'denied' },
        ...{ permission: 'agent:x:read', from: '::1', count: 7 },
      },
    ])
    expect(await told({ principal: 'eve' } as never)).toHaveLength(2)
    await expect(auditPage({ ...caller, permissions: ['agent:*'] }, source, asked)).rejects.toMatchObject({
      code: 'forbidden',
    })
    await expect(auditPage(caller, source, { ...asked, after: 'x' } as never)).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  const inFour: AuditSource = {
    streams: [
      ...['SES-0', 'SES-1', 'SES-2', 'SES-3'].map((name) => ({ kind: 'sessions' as const, name })),
      { kind: 'registry', name: 'REG' },
    ],
    read: async (stream, from) => {
      const part = logs[stream.kind].filter(({ seq }) => stream.kind === 'registry' || stream.name === `SES-${seq % 4}`)
      const rest = part.filter((one) => ('after' in from ? one.seq > from.after : one.at >= from.since))
      return { messages: rest.slice(0, 2), ended: rest.length <= 2 }
    },
  }
  const timesOf = async (first: string | undefined) => {
    const rows: number[] = []
    let after = first
    do {
      const page = await auditPage(caller, inFour, { ...asked, limit: 2, after } as never)
      rows.push(...page.entries.map(({ at }) => at))
      after = page.next
    } while (after !== undefined)
    return rows
  }

  test('is the same where several streams hold the sessions', async () => {
    expect(await timesOf(undefined)).toEqual([10, 20, 30, 40, 50, 60, 70])
  })

  test('goes on with a page of a time when one stream held the sessions', async () => {
    const { next } = await auditPage(caller, source, { ...asked, limit: 3 })
    expect(await timesOf(next)).toEqual([40, 50, 60, 70])
  })
})
