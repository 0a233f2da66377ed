// Runs a command in the sandbox and reads what it says, in constant memory: head and tail for the model, the whole by reference.

import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { KeptOutput, Mask, ToolContext } from '../calls/context.ts'
import { afterReading } from '../calls/pace.ts'
import { failed, fittingText, ToolFailure, type ToolOutcome } from '../calls/outcome.ts'
import { type Passed, watchLimits } from '../sandbox/limits/watch.ts'
import { maxProcesses } from '../sandbox/inside.ts'
import { type SandboxProcess, shellCommand } from '../sandbox/sandbox.ts'
import { HeadTail } from '../text/head-tail.ts'
import { compilePattern } from '../text/pattern.ts'
import { Spool } from '../text/spool.ts'
import { defineTool, stopsItself } from '../tool.ts'
import { openRoot } from '../workspace/root.ts'

/** Linux passes no longer argument than 128 KiB. */
const maxCommandBytes = 120_000
/** Steps of patterns × characters: under a second, since it is this thread that looks. */
const maxBlocklistSteps = 20_000_000
/** Between TERM and KILL. */
const graceMs = 2_000
const spoolMemoryBytes = 1024 * 1024
/** Of one call. What is kept has to be masked and stored before the call ends, so it is a matter of time too. */
const spoolMaxBytes = 8 * 1024 * 1024
/** Characters of live progress a call may show; a command that prints without end would else flood who watches. */
const progressChars = 256 * 1024

export const shell = defineTool(
  {
    name: 'shell',
    group: 'shell',
    description:
      'Run a shell command in the workspace, in a sandbox: only the workspace and /tmp are writable, there is no network unless the agent was given it, and nothing goes on running when the command ends. Answers with exit_code, stdout and stderr. There is no input: use flags that ask no questions.',
    parameters: Type.Object(
      {
        command: Type.String({
          minLength: 1,

          description: 'Shell text, run by bash where the machine has it, else by sh.',
        }),
      },
      { additionalProperties: false },
    ),
    replay: 'never',
    risk: 'exec',
    target: { argument: 'command', kind: 'command' },
    sandboxed: true,
    time: stopsItself,
  },
  async ({ command }, context) => {
    if (command.includes('\0')) throw new ToolFailure('invalid-arguments', '"command" must not contain a NUL character')
    if (Buffer.byteLength(command) > maxCommandBytes) {
      throw new ToolFailure(
        'invalid-arguments',
        `"command" has more than ${maxCommandBytes} bytes: put it into a file with write_file and run that`,
      )
    }
    refuseBlocked(command, context.settings.blocklist)
    // Here too, since it is told apart what is wrong: the sandbox, which opens it for itself, has one word for all.
    openRoot(context.workspace, context.guard)[Symbol.dispose]()
    const network = context.settings.network && context.sandbox.networkAllowed
    const spawned = context.sandbox.spawn({
      argv: shellCommand(command),
      workspace: context.workspace,
      guard: context.guard,
      ...(context.shown === undefined ? {} : { shown: context.shown }),
      network,
      env: {
        REINS_IDEMPOTENCY_KEY: context.idempotencyKey,
        ...(context.traceparent === undefined ? {} : { TRACEPARENT: context.traceparent }),
      },
    })
    if (spawned.kind === 'refused') throw new ToolFailure('refused', spawned.message)
    const note =
      context.settings.network && !network
        ? 'without network: the operator of this machine does not allow it'
        : undefined
    return runToEnd(spawned.process, context, note)
  },
)

/** Throws where a rule of the blocklist is in the command, or where looking for it would take too long for everybody else. */
function refuseBlocked(command: string, blocklist: readonly string[]): void {
  let steps = 0
  for (const source of blocklist) {
    const compiled = compilePattern(source)
    // A rule that cannot be read forbids: it was meant to.
    if (compiled.kind === 'malformed') throw blocked
    steps += compiled.pattern.size * command.length
    if (steps > maxBlocklistSteps)
      throw new ToolFailure(
        'refused',
        "the command is too long to be checked against the agent's blocklist: put it into a file with write_file and run that",
      )
    // The command is not repeated: what was blocked would stand in logs and in the model's context once more.
    if (compiled.pattern.test(command)) throw blocked
  }
}

const blocked = new ToolFailure('refused', 'command blocked by security policy')

async function runToEnd(process: SandboxProcess, context: ToolContext, note: string | undefined): Promise<ToolOutcome> {
  using spool = new Spool(Math.min(context.settings.maxOutputChars, spoolMemoryBytes), spoolMaxBytes, context.spool)
  const progress = limitedProgress(context.progress)
  const taken = { spool, progress, maxChars: context.settings.maxOutputChars, mask: context.mask }
  const stdout = collect(process.stdout, taken)
  const stderr = collect(process.stderr, taken)
  let stopped: Stopped | undefined
  const stop = (reason: Stopped) => {
    stopped ??= reason
    // What takes memory without end is given no time to take more.
    process.stop(reason === 'out-of-memory' || reason === 'too-many-processes' ? 0 : graceMs)
  }
  let over = false
  // A command that ended in time, in a process that was stopped meanwhile, has ended in time.
  const timer = setTimeout(
    () =>
      void afterReading(
        () => over,
        () => stdout.total + stderr.total,
      ).then(() => over || stop('timeout')),
    context.settings.timeoutMs,
  )
  const { memoryBytes } = context.sandbox
  const watch = watchLimits(process, memoryBytes, (passed) => stop(stoppedFor[passed]))
  const onAbort = () => stop('cancelled')
  context.signal.addEventListener('abort', onAbort, { once: true })
  if (context.signal.aborted) onAbort()
  const exit = await process.exit
  over = true
  clearTimeout(timer)
  watch.end()
  context.signal.removeEventListener('abort', onAbort)

  if (exit.kind === 'not-started' && stopped === undefined) {
    return failed(
      new ToolFailure('failed', `the command could not be started in the sandbox: ${exit.message.slice(0, 500)}`),
    )
  }
  if (exit.kind === 'exited' && exit.outOfMemory) stopped ??= 'out-of-memory'
  const ending = describeEnd(stopped, exit, context.settings.timeoutMs, memoryBytes)
  const build = (kept: string) =>
    fittingText(context.settings.maxOutputChars, (chars) => assemble(ending, note, stdout, stderr, chars, kept))
  const first = build('')
  if (first.truncated !== true) return first
  const kept = await keepWhole(context, spool)
  if (kept === undefined) return build('; the whole could not be kept')
  const { ref } = kept
  if (ref === undefined) return build('; the whole is not kept, since this session keeps as much output as it may')
  const missing = spool.dropped + kept.dropped
  const dropped = missing > 0 ? ` but for its last ${missing} bytes` : ''
  return { ...build(`; the whole output is kept${dropped} as ${ref}`), ref }
}

type Stopped = 'timeout' | 'cancelled' | 'out-of-memory' | 'too-many-processes'
const stoppedFor = { memory: 'out-of-memory', processes: 'too-many-processes' } as const satisfies Record<
  Passed,
  Stopped
>

type Ending =
  | { readonly kind: 'ok'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'stopped'; readonly code: Exclude<Stopped, 'too-many-processes'>; readonly error: string }

function describeEnd(
  stopped: Stopped | undefined,
  exit: Awaited<SandboxProcess['exit']>,
  timeoutMs: number,
  memoryBytes = 0,
): Ending {
  switch (stopped) {
    case 'timeout':
      return {
        kind: 'stopped',
        code: stopped,
        error: `timed out after ${timeoutMs / 1000} s; the command and all that it started were killed`,
      }
    case 'cancelled':
      return { kind: 'stopped', code: stopped, error: 'cancelled; the command and all that it started were killed' }
    case 'out-of-memory':
      return {
        kind: 'stopped',
        code: stopped,
        error: `the command and what it started held more memory than they may (${Math.round(memoryBytes / 1024 ** 2)} MB), and were all killed; work on less at once, or ask the operator to raise --shell-memory`,
      }
    case 'too-many-processes':
      return {
        kind: 'stopped',
        code: 'out-of-memory',
        error: `the command started more processes than it may have at once (${maxProcesses}), and all of them were killed`,
      }
    case undefined: {
      if (exit.kind !== 'exited') return { kind: 'ok', fields: {} }
      return {
        kind: 'ok',
        fields: { exit_code: exit.code, ...(exit.signal === undefined ? {} : { signal: exit.signal }) },
      }
    }
    default:
      return stopped satisfies never
  }
}

function assemble(
  ending: Ending,
  note: string | undefined,
  stdout: HeadTail,
  stderr: HeadTail,
  chars: number,
  kept: string,
): ToolOutcome {
  const leftOut = (omitted: number) => `\n[… ${omitted} characters left out${kept} …]\n`
  // Half for each, and what one does not need for the other.
  const forStderr = Math.min(stderr.total, Math.max(Math.floor(chars / 2), chars - stdout.total))
  const out = stdout.take(Math.max(0, chars - forStderr), leftOut)
  const err = stderr.take(forStderr, leftOut)
  const truncated = out.omitted > 0 || err.omitted > 0
  const body = {
    ...(ending.kind === 'ok' ? { status: 'ok', ...ending.fields } : { status: 'error', error: ending.error }),
    stdout: out.text,
    stderr: err.text,
    ...(truncated ? { truncated, total_chars: out.total + err.total } : {}),
    ...(note === undefined ? {} : { note }),
  }
  return {
    status: ending.kind === 'ok' ? 'ok' : 'error',
    output: JSON.stringify(body),
    ...(ending.kind === 'ok' ? {} : { code: ending.code }),
    ...(truncated ? { truncated } : {}),
  }
}

interface Taking {
  readonly spool: Spool
  readonly progress: (text: string) => void
  readonly maxChars: number
  readonly mask: Mask | undefined
}

function collect(stream: Readable, { spool, progress, maxChars, mask }: Taking): HeadTail {
  const kept = new HeadTail(maxChars)
  // Head and tail are cut of what is masked: the end of a secret alone would be found by nobody.
  const masked = mask?.stream()
  // Streaming, so that a character which straddles two chunks is one character.
  const decoder = new TextDecoder('utf-8')
  const take = (text: string) => {
    if (text === '') return
    kept.push(masked?.push(text) ?? text)
    progress(text)
  }
  stream.on('data', (chunk: Buffer) => {
    spool.push(chunk)
    take(decoder.decode(chunk, { stream: true }))
  })
  stream.on('end', () => {
    take(decoder.decode())
    kept.push(masked?.end() ?? '')
  })
  stream.on('error', () => {})
  return kept
}

function limitedProgress(progress: (text: string) => void): (text: string) => void {
  let room = progressChars
  return (text) => {
    if (room <= 0) return
    const shown = text.length <= room ? text : text.slice(0, room)
    room -= shown.length
    progress(room > 0 ? shown : `${shown}\n[more output is not shown here while the command runs]\n`)
  }
}

async function keepWhole(context: ToolContext, spool: Spool): Promise<KeptOutput | undefined> {
  try {
    return await context.keep(spool.content())
  } catch {
    return undefined
  }
}
