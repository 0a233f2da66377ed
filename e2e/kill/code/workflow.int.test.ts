// Sessions whose decisions come from a file of their owner, on real processes: the executor is killed at each operation of a workflow, and
// another one goes on where the log says that it was. What steps did outside is counted by a server that they tell.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { killHosts } from '../../harness/code-hosts.ts'
import { eventually } from '../../harness/eventually.ts'
import { countOf, eventsOf } from '../bench.ts'
import { WorkflowBench } from './workflow-bench.ts'

const deadline = 240_000
let bench: WorkflowBench

beforeAll(async () => {
  bench = await WorkflowBench.open()
  await bench.world.start('executor', { labels: { chat: 'true' } })
}, deadline)
afterAll(() => bench?.close(), deadline)

test(
  'a chat that code leads: it greets, answers by its agent, and says what it wants',
  async () => {
    await bench.agent(
      'chat',
      `
      import { ChatResponseOutput } from '@reins/agent'
      export const affinity = { chat: 'true' }
      export default async function agent_chat(ctx) {
        let said = 'Welcome to ' + ctx.input.agent + '.'
        for (let turn = 0; ; turn++) {
          const { message } = await ctx.pause(new ChatResponseOutput({ content: said, turn }))
          const answer = await ctx.agent(message)
          said = answer.content + '!'
        }
      }`,
    )
    const { session } = await bench.world.api.create('chat', 'say one')
    const first = await bench.paused(session.id, 2)
    expect(bench.said(first)).toEqual(['Welcome to chat.', 'one!'])
    await bench.send(session.id, 'say two')
    const second = await bench.paused(session.id, 3)
    expect(bench.said(second)).toEqual(['Welcome to chat.', 'one!', 'two!'])
    expect(countOf(second, 'turn.completed')).toBe(2)
    expect(eventsOf(second).filter(({ type }) => type === 'run.declared')).toHaveLength(1)
  },
  deadline,
)

test(
  'labels that nobody serves: whoever waits is told what to start; then the session goes on, and never elsewhere',
  async () => {
    await bench.agent(
      'nowhere',
      `
      export const affinity = { 'no-one': 'here' }
      export default async function (ctx) {
        await ctx.pause({ content: 'here', turn: 0 })
      }`,
    )
    const { session } = await bench.world.api.create('nowhere')
    const seen = await bench.unserved(session.id)
    expect(seen).toEqual({
      ...{ service: 'executor', labels: { 'no-one': 'here' } },
      message: 'waits for an executor with no-one=here; start one: reins service executor --label no-one=here',
    })
    const executor = await bench.world.start('executor', { labels: { 'no-one': 'here', other: 'label' } })
    const log = await bench.paused(session.id, 1)
    expect(eventsOf(log).find(({ type }) => type === 'run.replay-started')?.by).toBe(executor.instance())
  },
  deadline,
)

describe('code that decides', () => {
  test(
    'is the code that the session began with, whatever the agent has since; one that asks for something else has diverged',
    async () => {
      const asks = (first: string, says: string) => `
        export const affinity = { chat: 'true' }
        export default async function (ctx) {
          await ctx.step('${first}', () => 1)
          for (let turn = 0; ; turn++) await ctx.pause({ content: '${says}', turn })
        }`
      await bench.agent('upgraded', asks('one', 'old'))
      const { session: old } = await bench.world.api.create('upgraded')
      await bench.paused(old.id, 1)
      await bench.agent('upgraded', asks('two', 'new'))
      await bench.send(old.id, 'go on')
      expect(bench.said(await bench.paused(old.id, 2))).toEqual(['old', 'old'])
      const { session: next } = await bench.world.api.create('upgraded')
      expect(bench.said(await bench.paused(next.id, 1))).toEqual(['new'])

      await bench.agent(
        'wanders',
        `
        export const affinity = { chat: 'true' }
        export default async function (ctx) {
          await ctx.pause({ content: 'first', turn: 0 })
          await ctx.step(String(Math.random()), () => 1)
          await ctx.pause({ content: 'second', turn: 1 })
        }`,
      )
      const { session } = await bench.world.api.create('wanders', 'go on')
      await bench.paused(session.id, 2)
      await bench.send(session.id, 'go on')
      const { code, message } = await bench.failed(session.id)
      expect(code).toBe('diverged')
      expect(message).toMatch(/operation 1 the session has recorded step "0\.\d+", and the code asks for step "0\.\d+"/)
    },
    deadline,
  )

  test.each([
    [
      'throws',
      `throw new Error('broken')`,
      { code: 'failed', message: 'broken', where: expect.stringMatching(/^chat\.ts:\d+:\d+$/) },
    ],
    [
      'pauses with another form',
      `await ctx.pause({ text: 'x' })`,
      { name: 'PauseError', message: expect.stringContaining('ChatResponseOutput') },
    ],
    ['returns what is no JSON', `return () => 1`, { message: expect.stringContaining('a function') }],
    [
      'needs too much memory',
      `const all = []; for (;;) all.push(new Array(5_000_000).fill(all.length))`,
      { code: 'out-of-memory' },
    ],
    ['asks without end', `for (;;) ctx.now()`, { code: 'too-much' }],
  ])('that %s ends its session with a clear error', (_, code, error) => ends(code, error), deadline)

  test(
    'asks a person, is cancelled in a step and in a sleep, and is told of each',
    async () => {
      await bench.agent(
        'asks',
        `
        export const affinity = { chat: 'true' }
        export default async function (ctx) {
          const { elicitation_response: { action } } = await ctx.pause({
            type: 'elicitation', elicitation_id: 'el-1', url: 'https://shop.example/', message: 'Sign in', server_name: 'shop',
          })
          const step = await ctx.step('long', ({ signal }) => new Promise((r) => signal.addEventListener('abort', r))).catch((e) => e.code)
          const sleep = await ctx.sleep('1d').catch((e) => e.code)
          return [action, step, sleep]
        }`,
      )
      const { session } = await bench.world.api.create('asks')
      const there = (type: string) => bench.until(session.id, (log) => countOf(log, type) > 0)
      await bench.until(session.id, (log) => countOf(log, 'run.paused') > 0 && log.at(-1)?.frame.status === 'waiting')
      const answer = { action: 'accept' }
      const path = `/v1/sessions/${session.id}`
      const { body: list } = await bench.world.api.once<{ elicitations: unknown[] }>('GET', `${path}/elicitations`)
      expect(list.elicitations).toMatchObject([{ elicitation_id: 'el-1', server_name: 'shop', state: 'waiting' }])
      expect((await bench.world.api.once('POST', `${path}/elicitations/el-1`, answer)).status).toBe(202)
      await there('run.step-started')
      await bench.world.api.once('POST', `${path}/cancel`, {})
      await there('run.slept')
      await bench.until(session.id, (log) => log.at(-1)?.frame.status === 'waiting')
      await bench.world.api.once('POST', `${path}/cancel`, {})
      const log = await there('session.ended')
      expect(eventsOf(log).find(({ type }) => type === 'run.ended')?.data).toMatchObject({
        status: 'completed',
        output: ['accept', 'cancelled', 'cancelled'],
      })
      expect(await bench.world.verdict(session.id)).toEqual([])
    },
    deadline,
  )

  test(
    'answers who delegated to its agent: by what it says after the instruction, or by what it returns',
    async () => {
      await bench.agent(
        'teller',
        `
        export const affinity = { chat: 'true' }
        export default async function (ctx) {
          const { message } = await ctx.pause({ content: 'Welcome.', turn: 0 })
          await ctx.pause({ content: 'You said: ' + message, turn: 1 })
        }`,
        { description: 'Tells.' },
      )
      await bench.agent(
        'worker',
        `
        export const affinity = { chat: 'true' }
        export default async function (ctx) {
          return { worked: (await ctx.agent('say done')).content }
        }`,
        { description: 'Works.' },
      )
      await bench.world.agent('lead', { affinity: { chat: 'true' }, agents: ['teller', 'worker'] })
      const ask = async (agent: string) => {
        const { session } = await bench.world.api.create(
          'lead',
          `call delegate {"agent":"${agent}","instruction":"tell"}`,
        )
        const log = await bench.until(session.id, (now) => countOf(now, 'turn.completed') > 0)
        return eventsOf(log).find(({ type }) => type === 'delegation.settled')?.data
      }
      expect(await ask('teller')).toMatchObject({ status: 'completed', output: 'You said: tell' })
      expect(await ask('worker')).toMatchObject({ status: 'completed', result: { worked: 'done' } })
    },
    deadline,
  )

  test(
    'is cancelled with who delegated to its agent, though no turn of it is open',
    async () => {
      await bench.agent(
        'sleeper',
        `
        export const affinity = { chat: 'true' }
        export default async function (ctx) {
          await ctx.pause({ content: 'Welcome.', turn: 0 })
          await ctx.sleep('1h').catch((error) => ctx.step('told ' + error.code, () => 1))
          return 'awake'
        }`,
        { description: 'Sleeps.' },
      )
      await bench.world.agent('waker', { affinity: { chat: 'true' }, agents: ['sleeper'] })
      const asks = 'call delegate {"agent":"sleeper","instruction":"sleep"}'
      const { session } = await bench.world.api.create('waker', asks)
      const asked = await bench.until(session.id, (now) => countOf(now, 'delegation.requested') > 0)
      const request = eventsOf(asked).find(({ type }) => type === 'delegation.requested')
      const child = request?.type === 'delegation.requested' ? request.data.child : ''
      await bench.until(child, (now) => countOf(now, 'run.slept') > 0)
      await bench.world.api.once('POST', `/v1/sessions/${session.id}/cancel`, {})
      const log = await bench.until(child, (now) => countOf(now, 'session.ended') > 0)
      expect([countOf(log, 'run.withdrawn'), countOf(log, 'cancel.requested')]).toEqual([1, 1])
      expect(eventsOf(log).find(({ type }) => type === 'run.step-started')?.data).toMatchObject({
        name: 'told cancelled',
      })
      await bench.until(session.id, (now) => countOf(now, 'delegation.settled') > 0)
      for (const id of [session.id, child]) expect(await bench.world.verdict(id)).toEqual([])
    },
    deadline,
  )

  test(
    'runs side by side where it asks so, and is listed under its agent; the example greets and keeps to its turns',
    async () => {
      await bench.agent(
        'both',
        `
        export const affinity = { chat: 'true' }
        export default async function (ctx) {
          const [a, b, first] = await Promise.all([
            ctx.step('a', () => (ctx.log.info('in a step', { cause: new Error('of it') }), 1)), ctx.step('b', () => 2),
            Promise.race([ctx.sleep(200).then(() => 'slept'), ctx.sleep('1h')]),
          ])
          for (let line = 0; line < 1100; line++) ctx.log.debug('line ' + line)
          return [a, b, first, ctx.now() > 0]
        }`,
      )
      const { session } = await bench.world.api.create('both')
      const log = await bench.until(session.id, (now) => countOf(now, 'session.ended') > 0)
      expect(eventsOf(log).find(({ type }) => type === 'run.ended')?.data).toMatchObject({
        output: [1, 2, 'slept', true],
      })
      const lines = eventsOf(log).flatMap(({ type, data }) => (type === 'run.logged' ? [data] : []))
      expect(lines).toHaveLength(1000)
      expect(lines[0]).toEqual({
        ...{ level: 'info', message: 'in a step', attributes: { cause: { name: 'Error', message: 'of it' } }, step: 0 },
      })
      expect(lines.at(-1)?.message).toContain('what it writes now is not kept')

      const example = readFileSync(
        path.join(import.meta.dirname, '../../../examples/agents/custom_workflow.ts'),
        'utf8',
      )
      await bench.agent('example', example, { affinity: { chat: 'true' } })
      const { session: chat } = await bench.world.api.create('example', 'say one')
      await bench.paused(chat.id, 2)
      await bench.send(chat.id, 'say two')
      await bench.paused(chat.id, 3)
      const path_ = `/v1/sessions/${chat.id}/messages?wait=turn`
      const { body } = await bench.world.api.once<{ turn: unknown }>('POST', path_, { content: 'say three' })
      expect(body.turn).toMatchObject({ status: 'completed', content: 'three' })
      const ended = await bench.until(chat.id, (now) => countOf(now, 'session.ended') > 0)
      expect(bench.said(ended)).toEqual([expect.stringContaining('Welcome! I am example.'), 'one', 'two'])
      expect(eventsOf(ended).at(-1)?.data).toEqual({ reason: 'max_turns' })
      const { body: listed } = await bench.world.api.once<{ sessions: { id: string }[] }>(
        'GET',
        '/v1/sessions?agent=example',
      )
      expect(listed.sessions.map(({ id }) => id)).toContain(chat.id)
    },
    deadline,
  )
})

test(
  'a question that nobody answers stands among those of all sessions, and is over at its time: the code is told so',
  async () => {
    await bench.agent(
      'patient',
      `
      export const affinity = { chat: 'true' }
      export default async function (ctx) {
        const { elicitation_response } = await ctx.pause('terms', {
          ...{ type: 'elicitation', elicitation_id: 'el-2', url: 'https://shop.example/', message: 'Agree', server_name: 'shop' },
          expires_in: 1,
        })
        return elicitation_response
      }`,
    )
    const { session } = await bench.world.api.create('patient')
    const listed = (state: string) =>
      eventually(
        async () => {
          const path = `/v1/elicitations?state=${state}&session=${session.id}`
          const { body } = await bench.world.api.once<{ elicitations?: unknown[] }>('GET', path)
          return body.elicitations?.[0]
        },
        { withinMs: 60_000, describe: () => `the question is listed as ${state}` },
      )
    await bench.until(session.id, (log) => countOf(log, 'session.ended') > 0)
    expect(await listed('expired')).toMatchObject({
      ...{ elicitation_id: 'el-2', call: 'run-0', server_name: 'shop', agent: 'patient', state: 'expired' },
    })
    const log = await bench.world.readLog(session.id)
    const [asked] = eventsOf(log).filter(({ type }) => type === 'run.paused')
    expect(asked?.data).toMatchObject({ expiresAt: expect.any(Number) })
    expect(eventsOf(log).find(({ type }) => type === 'run.ended')?.data).toMatchObject({
      output: { elicitation_id: 'el-2', action: 'cancel', expired: true },
    })
    expect(await bench.world.verdict(session.id)).toEqual([])
  },
  deadline,
)

test(
  'the host alone killed in the middle of a replay: the executor runs the code again, and no step twice that must not',
  async () => {
    const labels = { hosts: 'true' }
    const executor = await bench.world.start('executor', { labels, environment: { REINS_ALLOW_SHELL_NETWORK: '1' } })
    const workflow = { file: './chat.ts', network: true }
    const step = (name: string, replay: string) =>
      `await ctx.step('${name}', ({ idempotencyKey }) => fetch('${bench.counter.url}/' + encodeURIComponent('${name} ' + idempotencyKey)).then((r) => r.text()), { replay: '${replay}' }).catch((e) => e.code)`
    await bench.agent(
      'hosted',
      `
      export const affinity = { hosts: 'true' }
      export default async function (ctx) {
        return [${step('first', 'never')}, ${step('held', 'never')}, ${step('again', 'safe')}]
      }`,
      { workflow_file: workflow },
    )
    bench.counter.hold = true
    const { session } = await bench.world.api.create('hosted')
    const reached = (key: string) =>
      eventually(() => bench.counter.times(key) > 0, { withinMs: 90_000, describe: () => `${key} reaches the server` })
    await reached(`first ${session.id}:0`)
    killHosts(executor.pid)
    await reached(`held ${session.id}:1`)
    killHosts(executor.pid)
    await reached(`again ${session.id}:2`)
    killHosts(executor.pid)
    bench.counter.hold = false
    const log = await bench.until(session.id, (now) => countOf(now, 'session.ended') > 0)
    expect(eventsOf(log).find(({ type }) => type === 'run.ended')?.data).toMatchObject({
      output: ['outcome-unknown', 'outcome-unknown', 'counted'],
    })
    for (const { by } of eventsOf(log).filter(({ type }) => type === 'run.replay-started'))
      expect(by).toBe(executor.instance())
    expect([bench.counter.times(`first ${session.id}:0`), bench.counter.times(`held ${session.id}:1`)]).toEqual([1, 1])
    expect(bench.counter.times(`again ${session.id}:2`)).toBeGreaterThanOrEqual(2)
    expect(await bench.world.verdict(session.id)).toEqual([])
  },
  deadline,
)

let failing = 0
/** Code that fails, and the error of its session. */
async function ends(code: string, error: object): Promise<void> {
  const name = `fails-${++failing}`
  await bench.agent(
    name,
    `
    export const affinity = { chat: 'true' }
    export default async function (ctx) {
      ${code}
    }`,
  )
  const { session } = await bench.world.api.create(name, 'hello')
  expect(await bench.failed(session.id)).toMatchObject(error)
  expect(await bench.world.verdict(session.id)).toEqual([])
}

/** Every operation there is. Each step tells the counter; the first one must not run twice. */
const everything = (pool: string, counter: string): string => `
  export const affinity = { '${pool}': 'true' }
  const tell = (name) => ({ idempotencyKey }) => fetch('${counter}/' + encodeURIComponent(name + ' ' + idempotencyKey)).then((r) => r.text())
  export async function agent_chat(ctx) {
    const began = ctx.now()
    ctx.log.info('began')
    const id = ctx.uuid()
    let charged = 'unknown'
    try {
      charged = await ctx.step('charge', tell('charge'))
    } catch (error) {
      if (error.code !== 'outcome-unknown') throw error
    }
    await ctx.step('mail', tell('mail'), { replay: 'safe' })
    await ctx.sleep(300)
    ctx.log.warn('slept', { id })
    const { name } = await ctx.getConfig('agent:' + ctx.input.agent)
    const { message } = await ctx.pause('first', { content: 'ready ' + name, turn: 0 })
    const answer = await ctx.agent(message)
    ctx.log.info('answered')
    await ctx.pause('second', { content: [answer.content, charged, id, began, ctx.random()].join(' '), turn: 1 })
  }`

/** What the code has written, as it stands in the log. */
const linesOf = (log: Parameters<typeof eventsOf>[0]): readonly string[] =>
  eventsOf(log).flatMap(({ type, data }) => (type === 'run.logged' ? [data.message] : []))

/** Where an executor is killed; and how often the step that must not run twice ran, and what the code was told of it. */
const points = [
  ['executor.before-append', 1, 'counted'],
  ['executor.in-replay', 1, 'counted'],
  ['executor.before-operation', 1, 'counted'],
  ['executor.after-operation', 0, 'unknown'],
  ['executor.before-step-outcome', 1, 'unknown'],
  ['executor.after-step-outcome', 1, 'counted'],
  ['executor.before-replay-outcome', 1, 'counted'],
  ['executor.before-ack', 1, 'counted'],
] as const

// Its thread stands still, as in a loop without end, but takes no time from the others.
const standsStill = 'for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'
test.concurrent(
  'code that never comes to an operation ends its session with a clear error',
  () => ends(standsStill, { code: 'timeout' }),
  deadline,
)

describe.concurrent('an executor killed', () => {
  test.each(points)(
    'at %s: another one goes on, and no step runs twice that must not',
    async (point, times, told) => {
      const pool = point.replaceAll('.', '-')
      const labels = { [pool]: 'true' }
      const environment = { REINS_ALLOW_SHELL_NETWORK: '1' }
      const victim = await bench.world.start('executor', { labels, environment, pauseAt: point })
      const workflow = { file: './chat.ts', network: true }
      await bench.agent(pool, everything(pool, bench.counter.url), { workflow_file: workflow })
      const { session } = await bench.world.api.create(pool, 'say done')
      await bench.isPaused(victim)
      await bench.world.start('executor', { labels, environment })
      await victim.kill()
      const log = await bench.paused(session.id, 2)
      expect(await bench.world.verdict(session.id)).toEqual([])
      const [ready, last = ''] = bench.said(log)
      expect([ready, last?.split(' ').slice(0, 2)]).toEqual([`ready ${pool}`, ['done', told]])
      expect(last?.split(' ')).toHaveLength(5)
      expect(linesOf(log)).toEqual(['began', 'slept', 'answered'])
      expect(bench.counter.times(`charge ${session.id}:2`)).toBe(times)
      expect(bench.counter.times(`mail ${session.id}:3`)).toBeGreaterThanOrEqual(1)
      expect([countOf(log, 'turn.completed'), countOf(log, 'run.called')]).toEqual([1, 1])
    },
    deadline,
  )
})
