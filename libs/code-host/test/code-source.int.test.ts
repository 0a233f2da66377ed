import { type AgentDefinition, bundleDigest, type CodeFile } from '@reins/contracts'
import { type CallContext, missingSecret, noGuard, noValues, resolveToolset, runCall } from '@reins/tools'
import { expect, onTestFinished, test } from 'vitest'
import { codeCatalog, codeSource, describeBundle, type HostLog } from '../src/index.ts'
import { sandboxOfThisMachine, toolsOf } from './bundle.ts'

const sandbox = await sandboxOfThisMachine()

/** An agent with this code, as the registry stores it, and a runner's source for it. */
async function agentWith(body: string, more: Partial<CodeFile> = {}) {
  const text = toolsOf(body)
  const bytes = Buffer.from(text)
  const digest = bundleDigest(bytes)
  const described = await describeBundle({ file: './tools.ts', text }, { sandbox, guard: noGuard })
  if (described.kind !== 'tools') throw new Error(JSON.stringify(described))
  const entry = { file: './tools.ts', digest, size: bytes.length, tools: [...described.tools], ...more }
  const definition: AgentDefinition = { name: 'a', model: 'm/m', system_prompt: 'x', tools: [entry] }
  const stored = new Map([[digest, bytes]])
  const logs: [string, HostLog][] = []
  const source = codeSource({
    bundles: { get: async (asked) => stored.get(asked) },
    sandbox,
    guard: noGuard,
    log: (tool, _, entry) => logs.push([tool, entry]),
  })
  onTestFinished(() => source.close())
  const toolset = await resolveToolset([source], definition)
  if (toolset.kind !== 'resolved') throw new Error(JSON.stringify(toolset.problems))
  const run = (name: string, args: unknown = {}, context: Partial<CallContext> = {}) =>
    runCall(
      toolset.tools,
      { name, arguments: args, definition },
      {
        signal: new AbortController().signal,
        session: 's',
        idempotencyKey: `s/${name}`,
        progress: () => {},
        keep: async () => ({ ref: 'kept', dropped: 0 }),
        ...noValues,
        ...context,
      },
    )
  const asked = (name: string, args: unknown) => {
    const context = { signal: new AbortController().signal, session: 's', idempotencyKey: 's/c' }
    return source.approval?.({ name, arguments: args, definition }, context)
  }
  return { definition, stored, logs, run, asked }
}

const tool = (name: string, execute: string, more = '') =>
  `export const ${name} = defineTool({ description: 'Does ${name}.', parameters: any, ${more} execute: ${execute} })\n`

test('what there is stands in the definition: nothing is loaded to know it', async () => {
  const { definition } = await agentWith(
    tool('look', '() => 1', `risk: 'read', timeout: 5, slow_after: 2, output: { type: 'number' },`) +
      tool('act', '() => 1'),
  )
  expect(await codeCatalog.list(definition, { signal: new AbortController().signal })).toEqual({
    kind: 'listed',
    tools: [
      {
        ...{ name: 'act', description: 'Does act.', parameters: { type: 'object' }, risk: 'external', replay: 'never' },
        time: { keptBy: 'runner', ms: 60_000, graceMs: 15_000 },
      },
      {
        ...{ name: 'look', description: 'Does look.', parameters: { type: 'object' }, risk: 'read', replay: 'safe' },
        outputSchema: { type: 'number' },
        time: { keptBy: 'runner', ms: 5_000, graceMs: 15_000, softMs: 2_000 },
      },
    ],
  })
})

test('a result is text, JSON, or blocks; an error is told with the name of its tool', async () => {
  const { run, logs } = await agentWith(
    [
      tool('text', '() => "two\\nlines"'),
      tool('json', '({ a }) => ({ twice: a * 2 })'),
      tool('nothing', '() => {}'),
      tool('blocks', '() => content({ type: "text", text: "x" }, { type: "link", uri: "https://x.y" })'),
      tool('odd', '() => content({ type: "video", data: "" })'),
      tool('fails', '(_, { log }) => { log.info("about to"); throw new Error("no such town") }'),
    ].join(''),
  )
  expect(await run('text')).toEqual({ status: 'ok', output: 'two\nlines' })
  expect(await run('json', { a: 4 })).toEqual({ status: 'ok', output: '{"twice":8}' })
  expect(await run('nothing')).toEqual({ status: 'ok', output: '{"status":"ok"}' })
  expect(await run('blocks')).toMatchObject({ status: 'ok', content: [{ type: 'text' }, { type: 'link' }] })
  expect(await run('odd')).toMatchObject({ status: 'error', output: expect.stringContaining('of no known type') })
  expect(await run('fails')).toEqual({
    status: 'error',
    code: 'failed',
    output: '{"status":"error","error":"fails: no such town"}',
  })
  expect(logs).toContainEqual(['fails', expect.objectContaining({ level: 'info', message: 'about to' })])
})

const dies = `() => { process.removeAllListeners('uncaughtException'); setTimeout(() => { throw 1 }); return new Promise(() => {}) }`

test('a host that dies under a call that may run again costs only time, up to a few times', async () => {
  const { run } = await agentWith(tool('flaky', dies, `risk: 'read',`))
  const begun: string[] = []
  const outcome = await run('flaky', {}, { progress: (text) => begun.push(text) })
  expect(outcome).toMatchObject({ status: 'error', code: 'crashed', output: expect.stringContaining('3 times') })
})

test('a host that dies under a call that must not run twice leaves an outcome that is unknown', async () => {
  const { run } = await agentWith(tool('pay', dies) + tool('well', '() => 1'))
  expect(await run('pay')).toMatchObject({
    status: 'error',
    code: 'outcome-unknown',
    output: expect.stringContaining('may or may not have taken effect'),
  })
  expect(await run('well')).toEqual({ status: 'ok', output: '1' })
})

test('a call that needs too much memory is told so, and not tried again', async () => {
  const { run } = await agentWith(
    tool('hog', '() => { const all = []; for (;;) all.push(new Array(1e5).fill({})) }', `risk: 'read',`),
  )
  expect(await run('hog')).toMatchObject({ code: 'crashed', output: expect.stringContaining('more memory') })
})

test('a tool gets the secrets and configs that it declares, and an error where one cannot be had', async () => {
  const { run } = await agentWith(
    tool(
      'keyed',
      '(_, { secrets, config }) => [secrets.KEY, config.limit]',
      `secret_requests: ['KEY'], config_requests: ['limit'],`,
    ),
  )
  const asked: string[] = []
  const secrets = async (name: string) => {
    asked.push(name)
    return 'k'
  }
  expect(await run('keyed', {}, { secrets, configs: async () => ({ most: 3 }) })).toEqual({
    status: 'ok',
    output: '["k",{"most":3}]',
  })
  expect(asked).toEqual(['KEY'])
  const missing = await run(
    'keyed',
    {},
    { secrets: (name) => Promise.reject(missingSecret(name)), configs: async () => 1 },
  )
  expect(missing).toMatchObject({ status: 'error', output: expect.stringContaining('reins secret set KEY') })
})

test('a function of a tool says by the arguments whether a person is asked; where it cannot say, one is', async () => {
  const { asked } = await agentWith(
    [
      tool('pay', '() => 1', 'approval: ({ amount }) => (amount > 1000 ? "must" : amount > 10),'),
      tool('odd', '() => 1', 'approval: () => { throw new Error("no idea") },'),
      tool('wipe', '() => 1', 'approval: "must",'),
      tool('look', '() => 1'),
    ].join(''),
  )
  expect(await asked('pay', { amount: 5 })).toEqual({ approval: 'auto' })
  expect(await asked('pay', { amount: 50 })).toEqual({ approval: 'ask' })
  expect(await asked('pay', { amount: 5000 })).toEqual({ approval: 'must' })
  expect(await asked('odd', {})).toEqual({ approval: 'must', reason: 'odd could not say: no idea' })
  expect(await asked('wipe', {})).toEqual({ approval: 'must' })
  expect(await asked('look', {})).toEqual({ approval: 'auto' })
})

test('code that is not in the object store is not run', async () => {
  const { run, stored } = await agentWith(tool('well', '() => 1'))
  stored.clear()
  expect(await run('well')).toMatchObject({ status: 'error', output: expect.stringContaining('./tools.ts') })
})

test('a file that asks for the network is told where the operator does not allow it', async () => {
  const { run } = await agentWith(tool('call', '() => fetch("http://127.0.0.1:9/")'), { network: true })
  expect(await run('call')).toMatchObject({
    status: 'error',
    output: expect.stringContaining('operator of this machine'),
  })
})

test('a call that is cancelled, or whose time is over, ends so', async () => {
  const { run } = await agentWith(
    tool('waits', '(_, { progress }) => { progress("begun"); return new Promise(() => {}) }') +
      tool('short', '() => new Promise(() => {})', 'timeout: 0.5,'),
  )
  const cancel = new AbortController()
  const waiting = run('waits', {}, { signal: cancel.signal, progress: () => cancel.abort() })
  expect(await waiting).toMatchObject({ status: 'error', code: 'cancelled' })
  expect(await run('short')).toMatchObject({ status: 'error', code: 'timeout' })
})

test('a result that is not of the form that the tool declares is an error that says what is wrong, and what came', async () => {
  const output = `output: Type.Object({ words: Type.Integer(), by: Type.Optional(Type.String()) }),`
  const { run, logs } = await agentWith(
    tool('right', '() => ({ words: 2 })', output) +
      tool('wrong', '() => ({ words: "two" })', output) +
      tool('silent', '() => {}', output) +
      tool('rich', `() => content({ type: 'text', text: 'See' }, { type: 'json', value: { words: 3 } })`, output) +
      tool('bare', `() => content({ type: 'text', text: 'See' })`, output) +
      tool('plain', '() => 7', `output: { type: 'string' },`),
  )
  expect(await run('right')).toMatchObject({ status: 'ok', output: '{"words":2}' })
  expect(await run('rich')).toMatchObject({ status: 'ok' })
  const wrong = await run('wrong')
  expect(wrong).toMatchObject({ status: 'error', code: 'failed' })
  expect(wrong.output).toContain('wrong ran, but its result is not of the form that the tool declares by \\"output\\"')
  expect(wrong.output).toContain('must be a whole number, not the text \\"two\\"')
  expect(wrong.output).toContain('{"words":"two"}')
  expect((await run('silent')).output).toContain('the tool returned nothing')
  expect((await run('bare')).output).toContain('no block of the type json')
  expect((await run('plain')).output).toContain('the result must be a text, not 7')
  expect(logs.map(([name, { level }]) => [name, level])).toEqual(
    ['wrong', 'silent', 'bare', 'plain'].map((name) => [name, 'warn']),
  )
})
