// Tools that users wrote, as a source of tools: what there is stands in the definition, and a call runs in a host.
//   S1. `list` reads the definition alone: the registry loaded the bundle once and stored what it declares.
//   S2. A call whose host dies ends as its `replay` says: what may run again does, on another host and a few times at most; of what may
//       not, the outcome is unknown. Where its code had not begun, nothing of it ran, and it runs elsewhere.
//   S3. A host is answered for the names that the stored tool declares, whatever it asks for, and how often: what it may know is looked
//       up once for a call.
//   S4. A tool that decides by its arguments whether a person is asked, and cannot say, asks for one.
import {
  type AgentDefinition,
  type CodeTool,
  type DispatchSender,
  definitionDigest,
  type StoredCode,
  storedCode,
} from '@reins/contracts'
import {
  type AskedApproval,
  type CallContext,
  type ToolCall,
  type ToolCatalog,
  ToolFailure,
  type ToolListing,
  type ToolOutcome,
  type ToolSource,
  type ToolSpec,
} from '@reins/tools'
import { CodeHosts, type CodeHostsOptions, type HostsAnswer } from './code-hosts.ts'
import type { HostLog } from './host-process.ts'
import { hostMemoryMb } from './limits.ts'
import type { CallFacts, RunInput } from './messages.ts'
import { formProblem, ofOtherForm, outcomeOf } from './results.ts'

/** Where bundles are kept, by the digest of their bytes. */
export interface Bundles {
  get(digest: string): Promise<Uint8Array | undefined>
}

export interface CodeSourceOptions extends Omit<CodeHostsOptions, 'textOf'> {
  readonly bundles: Bundles
  /** What tools log, for people who run Reins. */
  /** `traceparent`: of the call. */
  readonly log?: (tool: string, call: string, entry: HostLog, traceparent?: string) => void
  /** What a tool dispatches on behalf of this agent or project; rejects where it is refused. Absent: tools dispatch nothing. */
  readonly dispatch?: (sender: DispatchSender, asked: unknown, signal: AbortSignal) => Promise<unknown>
  /** A run as it stood with this operation, for tools that it gave there. Rejects where it cannot be read. Absent: none can. */
  readonly runAt?: (run: string, position: number) => Promise<RunInput>
}

/** Whoever makes it closes it. */
export interface CodeSource extends ToolSource {
  /** Hosts that live. */
  readonly hosts: () => number
  close(): Promise<void>
}

type Definition = Pick<AgentDefinition, 'tools' | 'tools_file'>

const defaultTimeoutMs = 60_000
const graceMs = 15_000
/** In which a function must have said whether a person is asked. */
const approvalMs = 10_000
/** A call whose host dies under it so often is not run again. */
const mostDeaths = 3

/** What there is, for those who run nothing. */
export const codeCatalog: ToolCatalog & { list(definition: Definition): ToolListing } = {
  name: 'code',
  list: (definition) => ({
    kind: 'listed',
    tools: storedCode(definition).flatMap(({ tools }) => tools.map(specOf)),
  }),
}

export function codeSource({ bundles, log, dispatch, runAt, ...options }: CodeSourceOptions): CodeSource {
  const hosts = new CodeHosts({
    ...options,
    textOf: async (digest) => {
      const bytes = await bundles.get(digest)
      return bytes && Buffer.from(bytes).toString('utf8')
    },
  })
  return {
    ...codeCatalog,
    run: (call, context) => runTool(hosts, options, call, context, { log, dispatch, runAt }),
    approval: (call, context) => approvalOf(hosts, call, context, runAt),
    hosts: () => hosts.size,
    close: () => hosts.close(),
  }
}

async function runTool(
  hosts: CodeHosts,
  { sandbox, memoryMb = hostMemoryMb }: Pick<CodeHostsOptions, 'sandbox' | 'memoryMb'>,
  { name, arguments: input, definition }: ToolCall,
  context: CallContext,
  { log, dispatch, runAt }: { [K in 'log' | 'dispatch' | 'runAt']: CodeSourceOptions[K] | undefined },
): Promise<ToolOutcome> {
  const { entry, tool } = toolOf(definition, name)
  const network = entry.network === true && sandbox.networkAllowed
  const { idempotencyKey, traceparent, progress, session } = context
  const asked = {
    ...{ what: 'tool', name, input, progress },
    facts: {
      ...factsOf(entry, definition, { idempotencyKey, session }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    log: (line: HostLog) => log?.(name, idempotencyKey, line, traceparent),
    request: requestsOf({
      dispatch: (value) => dispatched(entry, value, dispatch, context.signal),
      run: () => givenRun(entry, runAt),
      values: () => valuesAsked(tool, context),
    }),
  }
  for (let deaths = 1; ; deaths += 1) {
    const answer = await hosts.run({ digest: entry.digest, file: entry.file, network }, asked, context.signal)
    const again = answer.kind === 'lost' && tool.replay === 'safe' && answer.death !== 'out-of-memory'
    if (again && deaths < mostDeaths) continue
    if (answer.kind === 'lost') throw lost(answer, tool, deaths, memoryMb)
    if (answer.kind === 'not-run') throw new ToolFailure('failed', answer.message)
    const closed = entry.network === true && !network && answer.kind === 'error'
    const note = closed ? '. It has no network: the operator of this machine does not allow it' : ''
    const outcome = outcomeOf(name, answer, note)
    if (answer.kind !== 'value' || outcome.status === 'error' || tool.output === undefined) return outcome
    const problem = await formProblem(tool.output, answer)
    if (problem === undefined) return outcome
    asked.log({ level: 'warn', message: `the result is not of the form that "output" declares: ${problem}` })
    return ofOtherForm(name, problem, outcome)
  }
}

/** S4. */
async function approvalOf(
  hosts: CodeHosts,
  { name, arguments: input, definition }: ToolCall,
  { signal, session, idempotencyKey }: Pick<CallContext, 'signal' | 'session' | 'idempotencyKey'>,
  runAt: CodeSourceOptions['runAt'],
): Promise<AskedApproval> {
  const unanswered = (why: string): AskedApproval => ({ approval: 'must', reason: `${name} could not say: ${why}` })
  try {
    const { entry, tool } = toolOf(definition, name)
    if (tool.approval !== 'by-arguments') return { approval: tool.approval ?? 'auto' }
    const asked = {
      ...{ what: 'approval', name, input, progress: () => {}, log: () => {} },
      facts: factsOf(entry, definition, { idempotencyKey, session }),
      request: async (what: string) => (what === 'run' ? givenRun(entry, runAt) : {}),
    }
    const bundle = { digest: entry.digest, file: entry.file, network: false }
    const answer = await hosts.run(bundle, asked, AbortSignal.any([signal, AbortSignal.timeout(approvalMs)]))
    if (answer.kind === 'value' && isApproval(answer.value)) return { approval: answer.value }
    if (answer.kind === 'error' || answer.kind === 'not-run') return unanswered(answer.message)
    return unanswered('its process ended')
  } catch (error) {
    return unanswered(error instanceof Error ? error.message : 'it was stopped')
  }
}

/** A tool of an instance runs with what its own initializer gave, for the definition that the call is of. */
const factsOf = (
  { instance, given }: StoredCode,
  definition: ToolCall['definition'],
  facts: Omit<CallFacts, 'agent' | 'instance'>,
): CallFacts => ({
  ...{ ...facts, agent: definition.name },
  ...(instance === undefined ? {} : { instance: { ...instance, version: versionOf(definition) } }),
  ...(given === undefined ? {} : { given: givenPlace(given) }),
})

const givenPlace = ({ run, position, path }: NonNullable<StoredCode['given']>): NonNullable<CallFacts['given']> => ({
  ...{ run, position },
  ...(path === undefined ? {} : { path }),
})

async function givenRun({ given }: StoredCode, runAt: CodeSourceOptions['runAt']): Promise<RunInput> {
  if (!given) throw new ToolFailure('failed', 'a tool of a module has no run')
  if (!runAt) throw new ToolFailure('failed', 'no run can be read here')
  return runAt(given.run, given.position)
}

/** A definition is one object for all calls of a session. */
const versions = new WeakMap<Definition, string>()

function versionOf(definition: ToolCall['definition']): string {
  const known = versions.get(definition)
  if (known !== undefined) return known
  const version = definitionDigest(definition)
  versions.set(definition, version)
  return version
}

const isApproval = (value: unknown): value is AskedApproval['approval'] =>
  value === 'auto' || value === 'ask' || value === 'must'

/** S2. */
function lost(
  { began, death }: Extract<HostsAnswer, { kind: 'lost' }>,
  tool: CodeTool,
  deaths: number,
  memoryMb: number,
): ToolFailure {
  const times = deaths === 1 ? '' : `, ${deaths} times`
  const what =
    death === 'out-of-memory'
      ? `the tool needed more memory than it may have (${memoryMb} MB), and was ended. Ask for less at once`
      : `the process in which the tool ran ended under it${times}`
  if (!began || tool.replay === 'safe') return new ToolFailure('crashed', what)
  const unknown = 'It may or may not have taken effect, and was not run again. Check before you repeat it'
  return new ToolFailure('outcome-unknown', `${what}. ${unknown}`)
}

/** S3. */
function requestsOf(may: {
  dispatch(value: unknown): Promise<unknown>
  run(): Promise<unknown>
  values(): Promise<unknown>
}): (what: string, value: unknown) => Promise<unknown> {
  const known = new Map<string, Promise<unknown>>()
  const once = (what: string, look: () => Promise<unknown>): Promise<unknown> => {
    const found = known.get(what) ?? look()
    known.set(what, found)
    return found
  }
  return async (what, value) => {
    if (what === 'dispatch') return may.dispatch(value)
    if (what === 'run') return once(what, may.run)
    if (what === 'values') return once(what, may.values)
    throw new ToolFailure('failed', `a tool has nothing to ask for by "${what.slice(0, 50)}"`)
  }
}

async function valuesAsked(tool: CodeTool, context: CallContext): Promise<unknown> {
  const [secrets, config] = await Promise.all([
    valuesOf(tool.secret_requests, context.secrets),
    valuesOf(tool.config_requests, context.configs),
  ])
  return { secrets, config }
}

/** On behalf of the project whose agent it is. */
async function dispatched(
  { instance, given }: StoredCode,
  asked: unknown,
  dispatch: CodeSourceOptions['dispatch'] | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const sender = given ? { project: given.project } : instance && { agent: instance.agent }
  if (!sender)
    throw new ToolFailure('failed', 'dispatch() works in the tools of projects, and not in those of a tools_file')
  if (!dispatch) throw new ToolFailure('failed', 'nothing can be dispatched here')
  return dispatch(sender, asked, signal)
}

async function valuesOf(
  names: readonly string[] = [],
  ask: (name: string) => Promise<unknown>,
): Promise<Readonly<Record<string, unknown>>> {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await ask(name)])))
}

interface Found {
  readonly entry: StoredCode
  readonly tool: CodeTool
}

const found = new WeakMap<Definition, ReadonlyMap<string, Found>>()

function toolOf(definition: Definition, name: string): Found {
  let tools = found.get(definition)
  if (!tools) {
    tools = new Map(
      storedCode(definition).flatMap((entry) => entry.tools.map((tool) => [tool.name, { entry, tool }] as const)),
    )
    found.set(definition, tools)
  }
  const tool = tools.get(name)
  if (!tool) throw new ToolFailure('not-found', `the agent has no tool "${name.slice(0, 100)}"`)
  return tool
}

function specOf(tool: CodeTool): ToolSpec {
  const { name, description, parameters, output, replay, risk, timeout, slow_after, approval } = tool
  const ms = timeout === undefined ? defaultTimeoutMs : Math.ceil(timeout * 1_000)
  const softMs = slow_after === undefined ? {} : { softMs: Math.ceil(slow_after * 1_000) }
  return {
    ...{ name, description, parameters, replay, risk },
    ...(output === undefined ? {} : { outputSchema: output }),
    time: { keptBy: 'runner', ms, graceMs, ...softMs },
    ...(approval === 'ask' || approval === 'must' ? { approval } : {}),
    ...(approval === 'by-arguments' ? { looks: true as const } : {}),
  }
}
