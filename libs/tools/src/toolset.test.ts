import { Readable } from 'node:stream'
import { expect, it, onTestFinished } from 'vitest'
import { noSandbox, temporaryFolder } from '../test/fake-context.ts'
import { builtinCatalog, builtinSource } from './builtin/builtin-source.ts'
import { noValues } from './calls/named-values.ts'
import { PathLocks } from './calls/path-locks.ts'
import type { CallContext, ToolSource, ToolSpec } from './source.ts'
import { noGuard } from './workspace/guard.ts'
import { pinnedTools, resolveToolset, runCall, toolsAtStart } from './toolset.ts'

const weather: ToolSpec = {
  name: 'weather',
  description: 'Tell the weather of a place.',
  parameters: { type: 'object', properties: { place: { type: 'string' }, days: { type: 'integer' }, list: {} } },
  replay: 'safe',
  risk: 'external',
  time: { keptBy: 'runner', ms: 60_000, graceMs: 60_000 },
}

function source(change: Partial<ToolSource> = {}, spec: Partial<ToolSpec> = {}): ToolSource {
  return {
    name: 'elsewhere',
    list: async () => ({ kind: 'listed', tools: [{ ...weather, ...spec }] }),
    run: async ({ arguments: args }) => ({ status: 'ok', output: JSON.stringify({ status: 'ok', args }) }),
    ...change,
  }
}

function builtin(workspaceRoot: string): ToolSource {
  const made = builtinSource({ workspaceRoot, guard: noGuard, sandbox: noSandbox, locks: new PathLocks() })
  onTestFinished(() => made.close())
  return made
}

const definition = { name: 'a', model: 'm/m', system_prompt: 'x', tools: ['files', 'shell'] }
const context = (changes: Partial<CallContext> = {}): CallContext => ({
  signal: new AbortController().signal,
  session: 's',
  idempotencyKey: 'key',
  progress: () => {},
  keep: async () => ({ ref: 'kept', dropped: 0 }),
  ...noValues,
  ...changes,
})
async function offered(...sources: readonly ToolSource[]) {
  const toolset = await resolveToolset(sources, definition)
  if (toolset.kind !== 'resolved') throw new Error(JSON.stringify(toolset.problems))
  return toolset.tools
}
const call = (name: string, args: unknown = {}) => ({ name, arguments: args, definition })

it('is the tools of all sources, each with what a decision needs to know of it', async () => {
  const tools = await offered(builtin('/'), source())
  const of = { source: 'builtin' }
  const target = { argument: 'path', kind: 'path' }
  expect(pinnedTools(tools).map(({ digest, ...rest }) => rest)).toEqual([
    { ...of, name: 'shell', replay: 'never', risk: 'exec', target: { argument: 'command', kind: 'command' } },
    { ...of, name: 'read_file', replay: 'safe', risk: 'read', target },
    { ...of, name: 'write_file', replay: 'safe', risk: 'write', target },
    { ...of, name: 'edit_file', replay: 'never', risk: 'write', target },
    { ...of, name: 'file_info', replay: 'safe', risk: 'read', target },
    { name: 'read_result', source: 'builtin', replay: 'safe', risk: 'read' },
    { name: 'weather', source: 'elsewhere', replay: 'safe', risk: 'external' },
  ])
})

it('has a digest that changes with what the model is told, and with nothing else', async () => {
  const digest = async (spec: Partial<ToolSpec>) => pinnedTools(await offered(source({}, spec)))[0]?.digest
  const before = await digest({})
  expect(before).toMatch(/^[0-9a-f]{16}$/)
  expect(await digest({ time: { keptBy: 'tool', ms: 1, graceMs: 1 } })).toBe(before)
  expect(await digest({ description: 'Another.' })).not.toBe(before)
  expect(await digest({ parameters: { type: 'object' } })).not.toBe(before)
})

it('is not there where one source has a problem, or two give one name', async () => {
  const broken = { ...definition, tools: ['files', 'nonsense'] }
  expect(await resolveToolset([builtinCatalog, source()], broken)).toEqual({
    kind: 'unresolved',
    problems: [{ path: '[1]', message: expect.stringContaining('no tool or group "nonsense"'), atKey: false }],
  })
  expect(await toolsAtStart([builtinCatalog, source()], broken)).toEqual([])
  expect(await resolveToolset([builtinCatalog, source({}, { name: 'shell' })], definition)).toMatchObject({
    kind: 'unresolved',
    problems: [{ message: expect.stringContaining('of builtin and of elsewhere') }],
  })
})

it('runs a call at its source, and answers for a tool that it has not', async () => {
  const tools = await offered(source())
  expect(await runCall(tools, call('weather', { place: 'Bonn' }), context())).toEqual({
    status: 'ok',
    output: '{"status":"ok","args":{"place":"Bonn"}}',
  })
  expect(await runCall(tools, call('wether'), context())).toMatchObject({
    code: 'not-found',
    output: expect.stringMatching(/did you mean .*weather.*It has: weather/),
  })
})

it('checks the arguments of each source before it sees them, and takes what means the same', async () => {
  const tools = await offered(source())
  expect(await runCall(tools, call('weather', { days: '3' }), context())).toMatchObject({
    output: '{"status":"ok","args":{"days":3}}',
  })
  expect(await runCall(tools, call('weather', { days: 'three' }), context())).toMatchObject({
    code: 'invalid-arguments',
    output: expect.stringContaining('must be a whole number, not the text'),
  })
})

it('keeps what is too long whole, for the tools of every source, and reads it back', async () => {
  const kept = new Map<string, Uint8Array>()
  const talks = source({ run: async () => ({ status: 'ok', output: 'word '.repeat(50_000) }) })
  const ref = `sha256-${'c'.repeat(64)}`
  const within = context({
    keep: async (output) => {
      kept.set(ref, Buffer.from(output as Uint8Array))
      return { ref, dropped: 0 }
    },
    kept: async (name) => {
      const bytes = kept.get(name)
      return bytes && { size: bytes.length, bytes: Readable.from([bytes]) }
    },
  })
  const tools = await offered(builtin('/'), talks)
  const cut = await runCall(tools, call('weather'), within)
  expect(cut).toMatchObject({ status: 'ok', ref, output: expect.stringContaining(`read_result {"ref":"${ref}"}`) })
  expect(cut.output.length).toBeLessThan(101_000)
  const page = await runCall(tools, call('read_result', { ref, offset: '249990' }), within)
  expect(JSON.parse(page.output)).toMatchObject({ content: 'word word ', total_chars: 250_000 })
})

it('tells that a call has shown nothing for longer than its tool usually takes, until it shows something or ends', async () => {
  const said: (number | undefined)[] = []
  const told = Promise.withResolvers<void>()
  const again = Promise.withResolvers<void>()
  const slow = source(
    {
      run: async (_, { progress }) => {
        await told.promise
        progress('a sign')
        await again.promise
        return { status: 'ok', output: 'x' }
      },
    },
    { time: { keptBy: 'runner', ms: 60_000, softMs: 1, graceMs: 1 } },
  )
  const watching = context({
    slow: (silentMs) => {
      said.push(silentMs)
      if (said.length === 1) told.resolve()
      if (said.length === 3) again.resolve()
    },
  })
  await runCall(await offered(slow), call('weather'), watching)
  expect(said).toEqual([1, undefined, 1, undefined])
})

it('refuses arguments that are nested without a bound, before a source walks them', async () => {
  const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
  const tools = await offered(source())
  expect(await runCall(tools, call('weather', { list: nested(50) }), context())).toMatchObject({ status: 'ok' })
  expect(await runCall(tools, call('weather', { list: nested(100_000) }), context())).toMatchObject({
    code: 'invalid-arguments',
    output: expect.stringContaining('nested deeper than 100 levels'),
  })
})

it('makes an outcome of whatever a source throws', async () => {
  const tools = await offered(source({ run: () => Promise.reject(new Error('/secret/path broke')) }))
  expect(await runCall(tools, call('weather'), context())).toEqual({
    status: 'error',
    code: 'failed',
    output: '{"status":"error","error":"weather: failed unexpectedly"}',
  })
})

it('keeps the time as the tool has it: stops the call, or leaves that to the tool, and in the end waits no longer', async () => {
  const untilAborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const obedient = source(
    { run: (_, { signal }) => untilAborted(signal) },
    { time: { keptBy: 'runner', ms: 1, graceMs: 60_000 } },
  )
  expect(await runCall(await offered(obedient), call('weather'), context())).toMatchObject({
    code: 'timeout',
    output: expect.stringContaining('timed out after 0.001 s'),
  })
  let stopped = false
  const deaf = source(
    {
      run: (_, { signal }) => {
        signal.addEventListener('abort', () => (stopped = true))
        return new Promise(() => {})
      },
    },
    { time: { keptBy: 'tool', ms: 1, graceMs: 1 } },
  )
  expect(await runCall(await offered(deaf), call('weather'), context())).toMatchObject({
    code: 'timeout',
    output: expect.stringContaining('What it did is not known'),
  })
  expect(stopped).toBe(false)
})

it('runs built-in tools in the workspace that the definition names', async () => {
  const root = temporaryFolder({ 'project/a.txt': 'hello' })
  const inProject = { ...definition, tools: [{ files: { workspace: 'project' } }] }
  const toolset = await resolveToolset([builtin(root)], inProject)
  if (toolset.kind !== 'resolved') throw new Error('it does not resolve')
  const read = (tools = toolset.tools, wanted = inProject) =>
    runCall(tools, { name: 'read_file', arguments: { path: 'a.txt' }, definition: wanted }, context())
  expect(await read()).toMatchObject({ status: 'ok', output: expect.stringContaining('hello') })
  const gone = { ...definition, tools: [{ files: { workspace: 'gone' } }] }
  expect(await read(toolset.tools, gone)).toMatchObject({ code: 'workspace_not_found' })
  // It starts a process, which takes its time on a busy machine.
}, 120_000)
