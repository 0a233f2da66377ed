import { describe, expect, test } from 'vitest'
import { toolsOf } from './bundle.ts'
import { hostsOf, value } from './calls.ts'

const tool = (name: string, execute: string, more = '') =>
  `export const ${name} = defineTool({ description: 'x', parameters: any, ${more} execute: ${execute} })\n`
const basics = toolsOf(
  [
    tool('add', '({ a, b }) => a + b'),
    tool('pid', '() => process.pid'),
    tool('uptime', '() => ({ pid: process.pid, since: performance.timeOrigin })'),
    tool(
      'wait',
      '(_, { signal, progress }) => new Promise((_, no) => { progress("waits"); signal.addEventListener("abort", () => no(new Error("stopped"))) })',
    ),
    tool('loop', '(_, { progress }) => { progress("loops"); for (;;); }'),
    tool(
      'die',
      '() => { process.removeAllListeners("uncaughtException"); setTimeout(() => { throw 1 }); return new Promise(() => {}) }',
    ),
  ].join(''),
)

describe('a call', () => {
  test('gets its arguments and its surroundings, and its result comes back', async () => {
    const { run, heard } = hostsOf({
      a: toolsOf(
        tool(
          'all',
          `async (args, context) => {
            context.progress('half')
            console.log('printed %d', 5); process.stderr.write('and this\\n')
            context.log.warn('odd', { n: 1 })
            const { idempotencyKey, session, agent, secrets, config, signal } = context
            return { args, idempotencyKey, session, agent, secrets, config, aborted: signal.aborted, env: process.env }
          }`,
          `secret_requests: ['KEY'], config_requests: ['a.b'],`,
        ),
      ),
    })
    const asked: unknown[] = []
    const request = async (what: string, value: unknown) => {
      asked.push([what, value])
      return { secrets: { KEY: 'k' }, config: { 'a.b': [1] } }
    }
    expect(await run('a', 'all', { x: 1 }, { request })).toEqual(
      value({
        args: { x: 1 },
        idempotencyKey: 's/c',
        session: { id: 's' },
        agent: { name: 'coder' },
        secrets: { KEY: 'k' },
        config: { 'a.b': [1] },
        aborted: false,
        env: {},
      }),
    )
    expect(asked).toEqual([['values', { tool: 'all' }]])
    expect(heard.progress.join('')).toBe('halfprinted 5\nand this\n')
    expect(heard.logs).toEqual([{ level: 'warn', message: 'odd', attributes: { n: 1 } }])
  })

  test('is told what a value that it asked for could not be had for', async () => {
    const { run } = hostsOf({ a: toolsOf(tool('keyed', '() => 1', `secret_requests: ['KEY'],`)) })
    const request = () => Promise.reject(new Error('there is no secret KEY'))
    expect(await run('a', 'keyed', {}, { request })).toMatchObject({ kind: 'error', message: 'there is no secret KEY' })
  })

  test('may answer with nothing, with text, and with blocks', async () => {
    const { run } = hostsOf({
      a: toolsOf(
        [
          tool('nothing', '() => {}'),
          tool('text', '() => "a\\nb"'),
          tool(
            'picture',
            `() => content({ type: 'text', text: 'x' }, { type: 'image', mimeType: 'image/png', data: new Uint8Array([1, 2]) })`,
          ),
        ].join(''),
      ),
    })
    expect(await run('a', 'nothing')).toEqual({ kind: 'value' })
    expect(await run('a', 'text')).toEqual(value('a\nb'))
    expect(await run('a', 'picture')).toEqual({
      kind: 'value',
      content: [
        { type: 'text', text: 'x' },
        { type: 'image', mimeType: 'image/png', data: 'AQI=' },
      ],
    })
  })

  test('that a Standard Schema refuses ends as invalid arguments; what it makes of them goes to the tool', async () => {
    const { run } = hostsOf({
      a: toolsOf(`import { z } from 'zod'
        export const twice = defineTool({
          description: 'x', parameters: z.object({ n: z.number().max(9).default(2) }), execute: ({ n }) => n * 2,
        })`),
    })
    expect(await run('a', 'twice', {})).toEqual(value(4))
    expect(await run('a', 'twice', { n: 10 })).toMatchObject({ kind: 'error', code: 'invalid-arguments' })
  })

  test('that is cancelled stops by its signal, and its host stays', async () => {
    const { run, hosts } = hostsOf({ a: basics })
    const before = await run('a', 'uptime')
    const cancel = new AbortController()
    const waiting = run(
      'a',
      'wait',
      {},
      { signal: cancel.signal, progress: () => cancel.abort(new Error('cancelled')) },
    )
    await expect(waiting).rejects.toThrow('cancelled')
    expect(await run('a', 'uptime')).toEqual(before)
    expect(hosts.size).toBe(1)
  })

  test('can ask by a function of the tool whether a person is to be asked', async () => {
    const { run } = hostsOf({ a: toolsOf(tool('pay', '() => 1', 'approval: ({ amount }) => amount > 10,')) })
    const asked = async (amount: number) => run('a', 'pay', { amount }, { what: 'approval' })
    expect([await asked(1), await asked(11)]).toEqual([value('auto'), value('ask')])
  })
})

describe('hosts', () => {
  test('are warm: calls of one bundle run side by side in one process', async () => {
    const { run, hosts } = hostsOf({ a: basics })
    const answers = await Promise.all(Array.from({ length: 20 }, () => run('a', 'uptime')))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(hosts.size).toBe(1)
  })

  test('are by bundle: a host that dies takes only its own calls with it, and another takes its place', async () => {
    const { run } = hostsOf({ a: basics, b: basics })
    const stop = new AbortController()
    const other = run('b', 'wait', {}, { signal: stop.signal })
    const beside = run('a', 'wait')
    const before = await run('a', 'uptime')
    expect(await run('a', 'die')).toEqual({ kind: 'lost', began: true, death: 'exited' })
    expect(await beside).toEqual({ kind: 'lost', began: true, death: 'exited' })
    expect(await run('a', 'uptime')).not.toEqual(before)
    stop.abort(new Error('stopped'))
    await expect(other).rejects.toThrow('stopped')
  })

  test('that do not answer get no further calls: another host of the bundle takes them meanwhile', async () => {
    const { run, hosts } = hostsOf({ a: basics })
    const stop = new AbortController()
    const loops = Promise.withResolvers<void>()
    const looping = run('a', 'loop', {}, { signal: stop.signal, progress: () => loops.resolve() })
    await loops.promise
    expect(await run('a', 'add', { a: 2, b: 3 })).toEqual(value(5))
    expect(hosts.size).toBe(2)
    stop.abort(new Error('its time is over'))
    await expect(looping).rejects.toThrow('its time is over')
    await expect.poll(() => hosts.size, { timeout: 60_000 }).toBe(1)
  })

  test('are no more than there may be: the one that has had nothing to do for longest makes room', async () => {
    const { run, hosts } = hostsOf({ a: basics, b: basics, c: basics }, { most: 2 })
    const first = await run('a', 'uptime')
    const second = await run('b', 'uptime')
    await run('c', 'uptime')
    expect(hosts.size).toBeLessThanOrEqual(2)
    expect(await run('b', 'uptime')).toEqual(second)
    expect(await run('a', 'uptime')).not.toEqual(first)
  })

  test('that all have something to do make a call wait, in its own time', async () => {
    const { run } = hostsOf({ a: basics, b: basics }, { most: 1 })
    const stop = new AbortController()
    const waiting = run('a', 'wait', {}, { signal: stop.signal, progress: () => {} })
    await run('a', 'add', { a: 1, b: 1 })
    await expect(run('b', 'add', {}, { signal: AbortSignal.timeout(300) })).rejects.toThrow('timeout')
    const next = run('b', 'add', { a: 1, b: 2 })
    stop.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    expect(await next).toEqual(value(3))
  })

  test('that nobody needs end', async () => {
    const { run, hosts } = hostsOf({ a: basics }, { idleMs: 1 })
    await run('a', 'add', { a: 1, b: 1 })
    await expect.poll(() => hosts.size, { timeout: 60_000 }).toBe(0)
    expect(await run('a', 'add', { a: 1, b: 1 })).toEqual(value(2))
  })

  test('of a bundle that is not there, does not load, or cannot be confined run nothing, and say why', async () => {
    const { run } = hostsOf({ broken: 'throw new Error("no luck")' })
    expect(await run('gone', 'add')).toMatchObject({
      kind: 'not-run',
      message: expect.stringContaining('object store'),
    })
    expect(await run('broken', 'add')).toEqual({
      kind: 'not-run',
      message: './broken.ts cannot be loaded: no luck (tools.mjs:1:7)',
    })
    expect(await run('broken', 'add')).toMatchObject({ kind: 'not-run' })
  })

  test('end with whoever made them, and calls that wait end too', async () => {
    const { run, hosts } = hostsOf({ a: basics })
    const begun = Promise.withResolvers<void>()
    const waiting = run('a', 'wait', {}, { progress: () => begun.resolve() })
    await begun.promise
    await hosts.close()
    expect(await waiting).toEqual({ kind: 'lost', began: true, death: 'ended' })
    expect(await run('a', 'add')).toMatchObject({ kind: 'not-run' })
    expect(hosts.size).toBe(0)
  })
})
