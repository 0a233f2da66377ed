import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DoctorOptions, formatDoctor, inspect } from '../src/commands/doctor.ts'
import { openDataDir } from '../src/data/data-dir.ts'
import { Scratch } from './fixture.ts'

function options(scratch: Scratch, more: Partial<DoctorOptions> = {}): DoctorOptions {
  return {
    nodeVersion: '26.10.0',
    minNodeVersion: '24.0.0',
    nats: { cacheDir: scratch.in('cache'), searchPath: scratch.in('bin') },
    sandbox: { kind: 'bubblewrap', detail: 'bwrap 0.8' },
    dataDir: scratch.in('.reins'),
    port: 0,
    disk: { newSessionsPercent: 100, appendsPercent: 100 },
    modelKeys: [{ name: 'ANTHROPIC_API_KEY', set: true }],
    misspelt: [],
    ...more,
  }
}

describe('doctor', () => {
  it('says what is there, and makes nothing', async () => {
    using scratch = new Scratch()
    const rows = await inspect(options(scratch))
    expect(rows.map(({ what, status }) => `${what} ${status}`)).toEqual([
      'node ok',
      'nats-server warning',
      'postgres ok',
      'sandbox ok',
      'data folder ok',
      'disk ok',
      'port ok',
      'model keys ok',
    ])
    expect(existsSync(scratch.in('cache'))).toBe(false)
    expect(existsSync(scratch.in('.reins'))).toBe(false)
  })

  it('tells its own Reins from another program on the port', async () => {
    using scratch = new Scratch()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const row = async () => (await inspect(options(scratch, { port }))).find(({ what }) => what === 'port')
    expect((await row())?.status).toBe('missing')
    const dir = openDataDir(scratch.in('.reins'))
    dir.announce(`http://127.0.0.1:${port}`)
    expect((await row())?.status).toBe('ok')
    dir.release()
    server.close()
  })

  it('has a hint for each row that is not ok, and prints no password', async () => {
    using scratch = new Scratch()
    const rows = await inspect(
      options(scratch, {
        nodeVersion: '20.0.0',
        natsUrl: 'nats://u:s3cret@127.0.0.1:1',
        databaseUrl: 'postgres://u:s3cret@127.0.0.1:1/db',
        sandbox: { kind: 'none', detail: 'no namespaces', missing: 'install bubblewrap' },
        modelKeys: [{ name: 'OPENAI_API_KEY', set: false }],
      }),
    )
    for (const row of rows) expect(row.hint === '').toBe(row.status === 'ok')
    const text = formatDoctor(rows, { color: false })
    expect(text).not.toContain('s3cret')
    expect(text).not.toContain('\u001b')
    expect(text).toContain('x node')
    expect(formatDoctor(rows, { color: true })).toContain('\u001b[31m')
  })

  it('says what is wrong with a Reins that runs, and tells sick from away and from hung', async () => {
    using scratch = new Scratch()
    const parts: Record<string, string> = { broker: 'ok' }
    let warnings: readonly string[] = []
    const server = createHttpServer(({ url: at }, response) =>
      response.end(JSON.stringify(at?.startsWith('/v1/agents') ? { warnings } : { status: 'degraded', parts })),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    const dir = openDataDir(scratch.in('.reins'))
    dir.announce(url)
    const running = async () =>
      (await inspect(options(scratch))).slice(-2).map(({ what, found }) => `${what}: ${found}`)
    expect((await running()).at(-1)).toBe(`running: at ${url}, every part is well`)
    // Without its token nobody is asked.
    warnings = ['No executor has a key for openai, so the agent a cannot call openai/gpt-6.1. Set OPENAI_API_KEY.']
    expect((await running()).at(-1)).toBe(`running: at ${url}, every part is well`)
    writeFileSync(path.join(scratch.in('.reins'), 'admin.token'), 'token')
    expect((await inspect(options(scratch))).at(-1)).toEqual({
      ...{ what: 'models', status: 'warning', hint: 'Set OPENAI_API_KEY.' },
      found: 'No executor has a key for openai, so the agent a cannot call openai/gpt-6.1',
    })
    warnings = []
    parts['nats-server'] = 'sick: s.a: no space left on device'
    parts.postgres = 'sick: Postgres does not answer'
    const postgres = (await inspect(options(scratch))).at(-1)
    expect([postgres?.what, postgres?.hint]).toEqual(['postgres', expect.stringContaining('sessions go on')])
    parts.postgres = 'away: it has ended, and is started again'
    const rows = (await inspect(options(scratch))).slice(-2)
    expect(rows.map(({ what, status, hint }) => [what, status, hint])).toEqual([
      ['nats-server', 'warning', 'Make room on the disk; Reins goes on by itself. See docs/operations.md.'],
      ['postgres', 'warning', 'It is away. Reins goes on when it is back.'],
    ])
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
    expect((await running()).at(-1)).toMatch(/^running: process \d+ at .*: nobody listens there$/)
    dir.release()
  })

  it('warns of a disk that is fuller than its budget', async () => {
    using scratch = new Scratch()
    const disk = { newSessionsPercent: 0, appendsPercent: 100 }
    const row = (await inspect(options(scratch, { disk }))).find(({ what }) => what === 'disk')
    expect([row?.status, row?.hint]).toEqual(['warning', expect.stringContaining('no session is started from 0 % on')])
    // The sessions lie elsewhere: this disk has no budget, and that one is not seen.
    const elsewhere = await inspect(options(scratch, { disk, natsUrl: 'nats://127.0.0.1:1' }))
    const found = elsewhere.find(({ what }) => what === 'disk')
    expect([found?.status, found?.found]).toEqual(['ok', expect.stringMatching(/^\d+ % used; no budget: NATS_URL /)])
  })
})
