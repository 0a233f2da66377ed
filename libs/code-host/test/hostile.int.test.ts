// What hostile or broken code may do in a host. Each costs itself an error outcome and nothing else: a call that runs all the while in
// another host ends as if nothing had been, and the next call of the same bundle is answered.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noGuard } from '@reins/tools'
import { CodeHosts, type HostsAnswer } from '../src/code-hosts.ts'
import { sandboxOfThisMachine, toolsOf } from './bundle.ts'

interface Hostile {
  readonly does: string
  /** Of a function of `(args, context)`. */
  readonly execute: string
  readonly ends: 'error' | 'lost' | 'stopped' | 'ok'
  readonly says?: string
}

const sandbox = await sandboxOfThisMachine()

const gigabyte = 'const line = "x".repeat(1 << 20); for (let i = 0; i < 1024; i++)'

const cases: readonly Hostile[] = [
  { does: 'loops', execute: '() => { for (;;); }', ends: 'stopped' },
  { does: 'loops between promises', execute: 'async () => { for (;;) await null }', ends: 'stopped' },
  { does: 'loops in a pattern', execute: '() => /^(a+)+$/.test("a".repeat(50) + "!")', ends: 'stopped' },
  {
    does: 'sleeps with its thread',
    execute: '() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
    ends: 'stopped',
  },
  { does: 'never settles', execute: '() => new Promise(() => {})', ends: 'stopped' },
  { does: 'answers with a promise of its own that never settles', execute: '() => ({ then() {} })', ends: 'stopped' },
  { does: 'ignores its signal', execute: '() => new Promise((r) => setTimeout(r, 1e9))', ends: 'stopped' },
  { does: 'exits', execute: '() => process.exit(0)', ends: 'error', says: 'process.exit is not there' },
  { does: 'aborts', execute: '() => process.abort()', ends: 'error', says: 'process.abort is not there' },
  {
    does: 'kills its process',
    execute: '() => process.kill(process.pid, "SIGKILL")',
    ends: 'error',
    says: 'process.kill',
  },
  {
    does: 'exits all the same',
    execute:
      '() => { process.removeAllListeners("uncaughtException"); setImmediate(() => { throw 1 }); return new Promise(() => {}) }',
    ends: 'lost',
  },
  { does: 'throws nothing', execute: '() => { throw undefined }', ends: 'error', says: 'it threw undefined' },
  { does: 'throws an object', execute: '() => { throw { reason: 7 } }', ends: 'error', says: '{"reason":7}' },
  { does: 'throws a symbol', execute: '() => { throw Symbol("x") }', ends: 'error', says: 'symbol' },
  {
    does: 'throws what throws when it is looked at',
    execute: '() => { throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 1 } }) }',
    ends: 'error',
    says: 'cannot be shown',
  },
  { does: 'throws an error of a megabyte', execute: '() => { throw new Error("x".repeat(1e6)) }', ends: 'error' },
  {
    does: 'throws later',
    execute: '() => { setTimeout(() => { throw new Error("late") }); return new Promise(() => {}) }',
    ends: 'error',
    says: 'late',
  },
  {
    does: 'leaves a rejection unhandled',
    execute: '() => { Promise.reject(new Error("left")); return new Promise(() => {}) }',
    ends: 'error',
    says: 'left',
  },
  {
    does: 'recurses without end',
    execute: '() => { const f = () => f() + 1; return f() }',
    ends: 'error',
    says: 'call stack',
  },
  {
    does: 'eats the heap',
    execute: '() => { const all = []; for (;;) all.push(new Array(1e5).fill({})) }',
    ends: 'lost',
  },
  {
    does: 'eats memory beside the heap',
    execute:
      '() => { const all = []; for (let i = 0; i < 400; i++) all.push(Buffer.alloc(1 << 24, 1)); return all.length }',
    ends: 'error',
  },
  {
    does: 'fills its disk',
    execute: `async () => {
      const fs = await import('node:fs'); const block = Buffer.alloc(1 << 20)
      for (let i = 0; i < 200; i++) fs.appendFileSync('/tmp/full', block)
    }`,
    ends: 'error',
    says: sandbox.kind === 'none' ? '' : 'ENOSPC',
  },
  {
    does: 'prints a gigabyte',
    execute: `() => { ${gigabyte} console.log(line) }`,
    ends: 'error',
    says: 'printed more than',
  },
  {
    does: 'prints a gigabyte on stdout',
    execute: `() => { ${gigabyte} process.stdout.write(line) }`,
    ends: 'error',
    says: 'printed more than',
  },
  {
    does: 'writes a gigabyte past the capture',
    execute: `async () => { const fs = await import('node:fs'); ${gigabyte} fs.writeSync(1 + (i % 2), line) }`,
    ends: 'ok',
  },
  { does: 'shows a gigabyte as progress', execute: `(_, { progress }) => { ${gigabyte} progress(line) }`, ends: 'ok' },
  { does: 'logs a gigabyte', execute: `(_, { log }) => { ${gigabyte} log.info(line, { line }) }`, ends: 'ok' },
  {
    does: 'starts a program',
    execute: "async () => (await import('node:child_process')).execFileSync('/bin/true')",
    ends: 'error',
    says: 'Access',
  },
  {
    does: 'forks',
    execute: "async () => { const { fork } = await import('node:child_process'); for (;;) fork('x.js') }",
    ends: 'error',
    says: 'Access',
  },
  {
    does: 'starts threads',
    execute:
      "async () => { const { Worker } = await import('node:worker_threads'); for (;;) new Worker('1', { eval: true }) }",
    ends: 'error',
    says: 'Access',
  },
  { does: 'returns 100 MB of text', execute: '() => "x".repeat(1e8)', ends: 'error', says: '100000000 characters' },
  {
    does: 'returns 100 MB of JSON',
    execute: '() => Array.from({ length: 100 }, () => "x".repeat(1e6))',
    ends: 'error',
    says: 'at most',
  },
  {
    does: 'returns what is nested without end',
    execute: '() => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a }',
    ends: 'error',
  },
  { does: 'returns a function', execute: '() => () => 1', ends: 'error', says: 'the result is a function' },
  { does: 'returns a symbol', execute: '() => Symbol("x")', ends: 'error', says: 'the result is a symbol' },
  { does: 'returns a bigint in an object', execute: '() => ({ n: 5n })', ends: 'error', says: '"n" is a bigint' },
  {
    does: 'returns itself in itself',
    execute: '() => { const a = {}; a.a = a; return a }',
    ends: 'error',
    says: 'circular',
  },
  { does: 'returns a map', execute: '() => ({ of: new Map() })', ends: 'error', says: '"of" is a Map' },
  { does: 'returns no number', execute: '() => [1, 0 / 0]', ends: 'error', says: '"1" is NaN' },
  { does: 'returns bytes', execute: '() => Buffer.from("x")', ends: 'error', says: 'the result is bytes' },
  {
    does: 'returns what throws when it is read',
    execute: '() => ({ get a() { throw new Error("no") } })',
    ends: 'error',
    says: 'no',
  },
  { does: 'returns an error', execute: '() => new Error("returned")', ends: 'error', says: 'returned' },
  {
    does: 'returns content that is none',
    execute: '() => content({ type: "image", mimeType: "image/png", data: 5n })',
    ends: 'error',
    says: 'bigint',
  },
  {
    does: 'speaks nonsense to its runner',
    execute:
      "async () => { const fs = await import('node:fs'); fs.writeSync(5, '\\0\\0\\0\\x05hello'); await new Promise(() => {}) }",
    ends: 'lost',
  },
  {
    does: 'announces a frame of 2 GB',
    execute:
      "async () => { const fs = await import('node:fs'); fs.writeSync(5, Buffer.from([0x7f, 0, 0, 0])); await new Promise(() => {}) }",
    ends: 'lost',
  },
  {
    does: 'speaks to its runner without end',
    execute: `async () => {
      const fs = await import('node:fs'); const body = '{"kind":"pong","id":0}'
      const frame = Buffer.concat([Buffer.from([0, 0, 0, body.length]), Buffer.from(body)])
      const many = Buffer.concat(Array.from({ length: 1000 }, () => frame)); for (;;) fs.writeSync(5, many)
    }`,
    ends: 'lost',
  },
  {
    does: 'closes the descriptors of its host',
    execute: "async () => { const fs = await import('node:fs'); fs.closeSync(4); fs.closeSync(5) }",
    ends: 'lost',
  },
  {
    does: 'breaks what its host is made of',
    execute: '() => { JSON.stringify = JSON.parse = Buffer.from = Buffer.concat = () => { throw 1 } }',
    ends: 'ok',
  },
  { does: 'calls a server', execute: '() => fetch("http://127.0.0.1:1/")', ends: 'error' },
  { does: 'opens an inspector', execute: "async () => (await import('node:inspector')).open(0)", ends: 'error' },
  { does: 'loads an add-on', execute: '() => process.dlopen({ exports: {} }, "/x.node")', ends: 'error' },
]

const nameOf = (at: number) => `case_${at}`
const texts: Readonly<Record<string, string>> = {
  hostile: toolsOf(
    [
      'export const well = defineTool({ description: "x", parameters: any, execute: () => "well" })',
      ...cases.map(
        ({ execute }, at) =>
          `const f_${at} = ${execute}
          export const ${nameOf(at)} = defineTool({ description: "x", parameters: any, execute: (args, context) => {
            context.progress('begun'); return f_${at}(args, context) } })`,
      ),
    ].join('\n'),
  ),
  innocent: toolsOf(`let go; export const waits = defineTool({ description: "x", parameters: any,
    execute: (_, { progress }) => new Promise((done) => { go = done; progress('begun') }) })
  export const release = defineTool({ description: "x", parameters: any, execute: () => { go('untouched') } })`),
}

const hosts = new CodeHosts({
  sandbox,
  guard: noGuard,
  textOf: async (digest) => texts[digest],
  memoryMb: 128,
})

interface Asked {
  readonly answer: Promise<HostsAnswer>
  readonly begun: Promise<void>
  readonly stop: AbortController
}

function ask(digest: string, name: string): Asked {
  const begun = Promise.withResolvers<void>()
  const stop = new AbortController()
  const answer = hosts.run(
    { digest, file: `./${digest}.ts`, network: false },
    {
      ...{ what: 'tool', name, input: {}, facts: { idempotencyKey: 's/c', session: 's', agent: 'a' } },
      progress: () => begun.resolve(),
      log: () => {},
      request: async () => ({}),
    },
    stop.signal,
  )
  answer.catch(() => {})
  return { answer, begun: begun.promise, stop }
}

let innocent: Asked
beforeAll(async () => {
  innocent = ask('innocent', 'waits')
  await innocent.begun
})
afterAll(async () => {
  await hosts.close()
})

describe('a tool that', () => {
  test.each(cases.map((one, at) => ({ ...one, at })))('$does costs itself an error', async ({ at, ends, says }) => {
    const { answer, begun, stop } = ask('hostile', nameOf(at))
    if (ends === 'stopped') {
      await begun
      stop.abort(new Error('its time is over'))
      await expect(answer).rejects.toThrow('its time is over')
    } else {
      const told = await answer
      if (ends === 'ok') expect(told).toEqual({ kind: 'value' })
      else expect(told).toMatchObject({ kind: ends })
      if (told.kind === 'error') {
        expect(told.message.length).toBeLessThan(2_100)
        expect(told.message).toContain(says ?? '')
      }
      if (told.kind === 'lost') expect(told.began).toBe(true)
    }
    expect(await ask('hostile', 'well').answer).toEqual({ kind: 'value', value: 'well' })
  })

  test('waits in another host all the while ends as if nothing had been', async () => {
    await ask('innocent', 'release').answer
    expect(await innocent.answer).toEqual({ kind: 'value', value: 'untouched' })
  })
})
