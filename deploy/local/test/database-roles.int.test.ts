// What somebody can do with the password that registry or memory has for Postgres, tried on a real one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import pg from 'pg'
import { type DatabaseRole, prepareRoles, roleNameOf, urlOfRole } from '../src/postgres/database-roles.ts'
import { type RunningPostgres, startPostgres } from '../src/postgres/postgres-process.ts'
import { checkPostgres } from '../src/servers/external.ts'
import { Scratch } from './fixture.ts'
import { madeCluster } from './made-cluster.ts'

const scratch = new Scratch()
const roles: readonly DatabaseRole[] = [
  { service: 'registry', user: roleNameOf('registry'), password: "it's a 'password'" },
  { service: 'memory', user: roleNameOf('memory'), password: 'another' },
]
let postgres: RunningPostgres
let urls: readonly string[]

beforeAll(async () => {
  await madeCluster(scratch.path)
  postgres = await startPostgres({ dataDir: scratch.path })
  // As an older Reins left it: all in `public`, all the owner's; and a table that is none of ours.
  await rows(
    postgres.url,
    `create table agents (name text); insert into agents values ('older');
     create table sessions (id text); create table sessions_rebuilt (like sessions including all);
     create table notes_of_somebody (text text)`,
  )
  await prepareRoles(postgres.url, roles)
  urls = roles.map((role) => urlOfRole(postgres.url, role))
})
afterAll(async () => {
  await postgres.close()
  scratch[Symbol.dispose]()
})

async function rows(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const [registry, memory] = [0, 1].map((at) => () => urls[at] ?? '') as [() => string, () => string]

describe('the password of a service for Postgres', () => {
  it.each([
    ['run a program', "copy (select 1) to program 'id > /tmp/reins-was-here'"],
    ['read what a program prints', "create table taken (line text); copy taken from program 'id'"],
    ['read a file of the machine', "select pg_read_file('/etc/passwd')"],
    ['read a file by copy', "create table taken (line text); copy taken from '/etc/passwd'"],
    ['write a file', "copy (select 1) to '/tmp/reins-was-here'"],
    ['list a folder', "select pg_ls_dir('/')"],
    ['import a file as a large object', "select lo_import('/etc/passwd')"],
    ['read the passwords of roles', 'select rolpassword from pg_authid'],
    ['become a superuser', 'alter role current_user superuser'],
    ['become the owner', 'set role reins'],
    ['make a role', 'create role mine login superuser'],
    ['make a database', 'create database mine'],
    ['make a schema', 'create schema mine'],
    [
      'make a function that the owner would call',
      "create function public.mine() returns int language sql as 'select 1'",
    ],
    ['make a table in public', 'create table public.mine (x int)'],
    ['make a temporary table', 'create temporary table mine (x int)'],
    ['load a library', "load '/tmp/mine.so'"],
    ['make a language', 'create extension plpython3u'],
    ['change a setting of the server', "alter system set log_statement = 'all'"],
    ["read what is somebody else's", 'select * from public.notes_of_somebody'],
  ])('does not let anybody %s', async (_, statement) => {
    for (const url of urls)
      await expect(rows(url, statement)).rejects.toThrow(/permission denied|must be|only roles|access to library/i)
  })

  it('does not let one service at the tables of another', async () => {
    await rows(registry(), "insert into agents values ('mine')")
    const foreign = ['select * from', 'delete from', 'drop table'].map((verb) => `${verb} reins_registry.agents`)
    for (const statement of foreign) await expect(rows(memory(), statement)).rejects.toThrow(/permission denied/)
    await expect(rows(memory(), 'create table reins_registry.mine (x int)')).rejects.toThrow(/permission denied/)
    await expect(rows(memory().replace(/reins$/, 'postgres'), 'select 1')).rejects.toThrow(/permission denied/)
  })

  it('is enough for what a service does: tables, indexes, migrations', async () => {
    expect(await rows(registry(), 'select name from agents order by name')).toEqual([
      { name: 'mine' },
      { name: 'older' },
    ])
    await rows(
      memory(),
      'create table mine (x int); create index on mine (x); truncate sessions_rebuilt; drop table mine',
    )
    for (const url of urls) expect(await checkPostgres(url)).toEqual({ kind: 'ok', version: postgres.version })
  })

  it('is made again at each start, without a change; tables that an older process made meanwhile go', async () => {
    await rows(postgres.url, "create table agents (name text); insert into agents values ('by an older process')")
    await Promise.all([prepareRoles(postgres.url, roles), prepareRoles(postgres.url, roles)])
    expect(await rows(registry(), 'select name from agents order by name')).toEqual([
      { name: 'mine' },
      { name: 'older' },
    ])
    expect(await rows(postgres.url, "select tablename from pg_tables where schemaname = 'public'")).toEqual([
      { tablename: 'notes_of_somebody' },
    ])
  })

  it('is not taken where its role may do more', async () => {
    await rows(postgres.url, "create role strong superuser login password 'x'")
    await expect(prepareRoles(postgres.url, [{ service: 'memory', user: 'strong', password: 'x' }])).rejects.toThrow(
      /The role strong of Postgres may do more than a service needs/,
    )
  })
})
