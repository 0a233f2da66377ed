import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
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
    modelKeys: [{ name: 'ANTHROPIC_API_KEY', set: true }],
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
})
