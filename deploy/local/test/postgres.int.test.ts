import { cpSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { findProcessesIn, identify } from '../src/data/process-identity.ts'
import { nativeFolder } from '../src/postgres/postgres-binaries.ts'
import { type PostgresOptions, type RunningPostgres, startPostgres } from '../src/postgres/postgres-process.ts'
import { checkPostgres } from '../src/servers/external.ts'
import { killNow, otherProcess, Scratch } from './fixture.ts'

const mode = (file: string) => (statSync(file).mode & 0o777).toString(8)

async function running(
  dataDir: string,
  more: Partial<PostgresOptions> = {},
): Promise<RunningPostgres & AsyncDisposable> {
  const postgres = await startPostgres({ dataDir, ...more })
  return Object.assign(postgres, { [Symbol.asyncDispose]: async () => void (await postgres.close()) })
}

async function query<T extends pg.QueryResultRow>(url: string, text: string): Promise<T | undefined> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<T>(text)).rows[0]
  } finally {
    await client.end()
  }
}

describe('the embedded Postgres', () => {
  it('starts from packages without install scripts, in folders of any name, with a password, on loopback', async () => {
    using scratch = new Scratch()
    const native = scratch.in(`an "own" $HOME's package`, 'native')
    cpSync(nativeFolder(), native, {
      recursive: true,
      filter: (file) => !lstatSync(file).isSymbolicLink(),
    })
    const folder = scratch.in(`it's "a" -D $HOME folder`, 'x'.repeat(120))
    await using postgres = await running(folder, { native })

    expect(await query(postgres.url, 'select inet_server_addr()::text as at, current_database() as db')).toEqual({
      at: '127.0.0.1/32',
      db: 'reins',
    })
    expect(
      await query(postgres.url, "select current_setting('server_encoding') as encoding, upper('hé') as up"),
    ).toEqual({
      encoding: 'UTF8',
      up: 'HÉ',
    })
    expect(mode(folder)).toBe('700')
    for (const file of ['password', 'postgres.log']) expect(mode(`${folder}/${file}`)).toBe('600')
    await expect(query(postgres.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(/password/)
    expect(await checkPostgres(postgres.url)).toEqual({
      ...{ kind: 'ok', version: postgres.version },
      excess: expect.stringContaining('superuser'),
    })
    if (process.getuid?.() === 0) expect(postgres.runsAs).not.toBe('self')
  })

  it('starts again after everything that a kill -9 leaves behind', async () => {
    using scratch = new Scratch()
    // The starter is killed: its postmaster lives on.
    const { child, said } = await otherProcess('postgres', scratch.path)
    await killNow(child)
    const { pid } = said
    expect(identify(pid)).toBeDefined()
    const ended = Promise.withResolvers<unknown>()
    const second = await startPostgres({ dataDir: scratch.path, onExit: ended.resolve })
    expect(identify(pid)).toBeUndefined()
    await query(second.url, 'create table t (x int)')
    await query(second.url, 'insert into t values (7)')

    // The postmaster is killed: its children live on for a moment, and its pid file stays.
    process.kill(second.pid, 'SIGKILL')
    expect(await ended.promise).toEqual({ code: null, signal: 'SIGKILL', expected: false })
    const third = await startPostgres({ dataDir: scratch.path, port: second.port })
    expect(third.port).toBe(second.port)
    expect(await query(third.url, 'select x from t')).toEqual({ x: 7 })

    // Its pid file names a process that has nothing to do with it.
    const pidFile = scratch.in('cluster', 'postmaster.pid')
    const before = readFileSync(pidFile, 'utf8')
    expect(await third.close()).toMatchObject({ code: 0, expected: true })
    writeFileSync(pidFile, before.replace(/^\d+/, String(process.ppid)))
    await using fourth = await running(scratch.path)
    expect(await query(fourth.url, 'select x from t')).toEqual({ x: 7 })
    expect(identify(process.ppid)).toBeDefined()
    expect(readdirSync(scratch.path).filter((name) => name.startsWith('cluster.'))).toEqual([])
    if (process.platform === 'linux')
      expect(findProcessesIn('postgres', scratch.in('cluster')).length).toBeGreaterThan(0)
  })

  it('shows the end of its log when it cannot start', async () => {
    using scratch = new Scratch()
    const postgres = await startPostgres({ dataDir: scratch.path })
    await postgres.close()
    writeFileSync(scratch.in('cluster', 'postgresql.auto.conf'), 'nonsense = 1\n')
    await expect(startPostgres({ dataDir: scratch.path })).rejects.toThrow(/Postgres ended at its start[\s\S]*nonsense/)
  })
})
