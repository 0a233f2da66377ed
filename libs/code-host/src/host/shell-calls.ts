// `session.shell('ls')`: a call of the agent's tool `shell`, as code reads it.

interface ToolAnswer {
  readonly status: string
  readonly output: string
}

interface ShellAnswer {
  readonly stdout: string
  readonly stderr: string
  /** 124: it took too long. */
  readonly exitCode: number
}

const form = `session.shell() takes a command and { cwd, signal }: session.shell('ls -l', { cwd: 'src' })`
const known = ['cwd', 'signal']
const timedOut = 124

/** Throws TypeError. What is recorded is the command, so values do not belong into it. */
export function shellCall(command: unknown, options: unknown): { readonly command: string } {
  if (typeof command !== 'string' || command.trim() === '') throw new TypeError(form)
  const { cwd, signal, ...others } = (options ?? {}) as Readonly<Record<string, unknown>>
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw new TypeError(`"${other}" is no option of shell() in a workflow, which takes ${known.join(' and ')}. ${form}`)
  if (signal instanceof AbortSignal) signal.throwIfAborted()
  if (cwd === undefined) return { command }
  if (typeof cwd !== 'string' || cwd === '') throw new TypeError(form)
  return { command: `cd -- '${cwd.replaceAll("'", "'\\''")}' || exit 1\n${command}` }
}

/** Throws where the command was not run. */
export function shellAnswer(answer: unknown): ShellAnswer {
  const { status, output } = answer as ToolAnswer
  const body = parsed(output)
  const { exit_code: code, stdout = '', stderr = '', error } = body ?? {}
  if (typeof code === 'number') return { stdout: String(stdout), stderr: String(stderr), exitCode: code }
  if (status !== 'cancelled' && typeof error === 'string' && error.startsWith('timed out'))
    return { stdout: String(stdout), stderr: String(stderr), exitCode: timedOut }
  const why = typeof error === 'string' ? error : output
  const named = status === 'cancelled' || status === 'unknown' ? `shell-${status}` : 'shell-failed'
  throw Object.assign(new Error(`The command was not run to its end: ${why}`), { name: 'ShellError', code: named })
}

function parsed(output: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(output)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
