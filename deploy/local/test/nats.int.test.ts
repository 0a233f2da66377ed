import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { identify } from '../src/data/process-identity.ts'
import { natsConfig } from '../src/nats/nats-config.ts'
import { type NatsOptions, type RunningNats, startNats } from '../src/nats/nats-process.ts'
import { probeFeatures } from '../src/nats/probe-features.ts'
import { checkNats, redactUrl } from '../src/servers/external.ts'
import { runs, until } from '../src/servers/server-child.ts'
import { killNow, natsServer, otherProcess, Scratch } from './fixture.ts'

let binary: string
beforeAll(async () => {
  binary = (await natsServer()).path
})

const mode = (file: string) => (statSync(file).mode & 0o777).toString(8)

async function running(dataDir: string, more: Partial<NatsOptions> = {}): Promise<RunningNats & AsyncDisposable> {
  const nats = await startNats({ binary, dataDir, durability: 'fsync', ...more })
  return Object.assign(nats, { [Symbol.asyncDispose]: async () => void (await nats.close()) })
}

async function client(
  nats: RunningNats,
  user = nats.user,
  pass = nats.password,
): Promise<NatsConnection & AsyncDisposable> {
  const connection = await connect({ servers: nats.url, user, pass, reconnect: false })
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() })
}

async function store(nats: RunningNats): Promise<void> {
  await using nc = await client(nats)
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s.>'] })
  await jetstream(nc).publish('s.a', 'kept')
}

async function stored(nats: RunningNats): Promise<string | undefined> {
  await using nc = await client(nats)
  return (await (await jetstreamManager(nc)).streams.getMessage('S', { last_by_subj: 's.a' }))?.string()
}

describe('the embedded nats-server', () => {
  it('starts in a folder of any name, closed to others, and keeps what it stored', async () => {
    using scratch = new Scratch()
    const folder = scratch.in('it\'s "a" $HOME {x} # folder')
    {
      await using nats = await running(folder)
      expect(nats.url).toBe(`nats://127.0.0.1:${nats.port}`)
      for (const file of ['nats.conf', 'nats.log', 'password', 'monitor-password'])
        expect(mode(`${folder}/${file}`)).toBe('600')
      expect(mode(folder)).toBe('700')
      expect(await nats.syncSetting()).toBe('always')
      await expect(connect({ servers: nats.url, reconnect: false })).rejects.toThrow(/Authorization/)
      await store(nats)
    }
    await using nats = await running(folder, { durability: 'interval' })
    expect(await stored(nats)).toBe('kept')
    expect(await nats.syncSetting()).toBe(120_000)
  })

  it('starts over a server that outlived a kill -9 of its parent', async () => {
    using scratch = new Scratch()
    const { child, said } = await otherProcess('nats', scratch.path, binary, 'untethered')
    await killNow(child)
    const { pid } = said
    expect(identify(pid)).toBeDefined()
    await using nats = await running(scratch.path)
    expect(identify(pid)).toBeUndefined()
    expect(nats.pid).not.toBe(pid)
  })

  it.skipIf(!runs(['setpriv', '--pdeathsig', 'TERM', '--', 'true']))(
    'dies with its parent, where the machine can do that',
    async () => {
      using scratch = new Scratch()
      const { child, said } = await otherProcess('nats', scratch.path, binary)
      await killNow(child)
      const { pid } = said
      expect(await until(() => identify(pid) === undefined, { withinMs: 60_000, everyMs: 5 })).toBe(true)
    },
  )

  it('tells its end, and comes back on the same port with what was acknowledged', async () => {
    using scratch = new Scratch()
    const ended = Promise.withResolvers<unknown>()
    const first = await startNats({ binary, dataDir: scratch.path, durability: 'fsync', onExit: ended.resolve })
    await store(first)
    process.kill(first.pid, 'SIGKILL')
    expect(await ended.promise).toEqual({ code: null, signal: 'SIGKILL', expected: false })
    await using second = await running(scratch.path, { port: first.port })
    expect(second.port).toBe(first.port)
    expect(await stored(second)).toBe('kept')
  })

  it('holds users to their rights, whatever stands in their names', async () => {
    using scratch = new Scratch()
    const reader = {
      user: 'r"} ] } #\\',
      password: '$x"y',
      permissions: { publish: { allow: [] }, subscribe: { allow: ['a.>'] } },
    }
    await using nats = await running(scratch.path, { users: [{ user: 'all', password: randomUUID() }, reader] })
    await using all = await client(nats)
    await using limited = await connect({
      servers: nats.url,
      user: reader.user,
      pass: reader.password,
      reconnect: false,
    }).then((nc) => Object.assign(nc, { [Symbol.asyncDispose]: () => nc.close() }))
    const heard = all.subscribe('>', { max: 1 })
    await all.flush()
    limited.publish('a.b', 'from reader')
    await limited.flush()
    all.publish('a.b', 'from all')
    for await (const message of heard) expect(message.string()).toBe('from all')
    const denied = limited.subscribe('b.>')
    await expect(
      (async () => {
        for await (const _ of denied);
      })(),
    ).rejects.toThrow(/permission/i)
  })

  it('shows the end of its log when it cannot start', async () => {
    using scratch = new Scratch()
    await expect(running(scratch.path, { extraConfig: 'nonsense: [' })).rejects.toThrow(
      /nats-server ended at its start[\s\S]*Parse error/,
    )
    await expect(running(scratch.path, { binary: scratch.in('none') })).rejects.toThrow(
      /cannot be run|ended at its start/,
    )
  })

  it('has every feature that Reins needs, and leaves no scratch stream', async () => {
    using scratch = new Scratch()
    await using nats = await running(scratch.path)
    await using nc = await client(nats)
    const rows = await probeFeatures(nc, { sync: await nats.syncSetting() })
    expect(rows.filter(({ ok }) => !ok)).toEqual([])
    expect(rows).toHaveLength(7)
    expect(await (await jetstreamManager(nc)).streams.list().next()).toEqual([])
  })

  it('passes the check of NATS_URL only with the right password, which is never printed', async () => {
    using scratch = new Scratch()
    await using nats = await running(scratch.path)
    const url = (password: string) => `nats://reins:${password}@127.0.0.1:${nats.port}`
    expect(await checkNats(url(nats.password))).toEqual({ kind: 'ok', version: nats.version })
    const wrong = await checkNats(url('s3cret'))
    expect(wrong).toMatchObject({ kind: 'failed' })
    expect(JSON.stringify(wrong)).not.toContain('s3cret')
    expect(await checkNats('nats://127.0.0.1:1')).toMatchObject({ kind: 'failed' })
  })
})

describe('natsConfig', () => {
  it('refuses control characters', () => {
    const monitor = { user: 'm', password: 'm' }
    const config = { port: -1, durability: 'fsync' as const, monitor, maxPayloadBytes: 1 }
    expect(() => natsConfig({ ...config, users: [{ user: 'a\n}', password: 'b' }] })).toThrow('control character')
  })
})

describe('redactUrl', () => {
  it.each([
    ['nats://user:pass@host:4222', 'nats://user:***@host:4222'],
    ['nats://token@host', 'nats://***@host'],
    ['host:4222', 'nats://host:4222'],
    ['postgres://u:p%40ss@h:5432/db', 'postgres://u:***@h:5432/db'],
    ['postgres://u@h/db?password=p&sslmode=require', 'postgres://u@h/db?password=***&sslmode=require'],
    ['nats://user:pass@a:4222,b:4222', 'nats://user:***@a:4222,nats://b:4222'],
    ['postgres://u@h/db?password=one,two', 'postgres://u@h/db?password=***'],
    ['not a url: secret', '***'],
  ])('%s', (url, shown) => expect(redactUrl(url)).toBe(shown))
})
