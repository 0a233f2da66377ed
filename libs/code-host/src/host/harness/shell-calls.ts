// `session.shell('ls')`: a call of the agent's tool `shell`, as code reads it.

interface ToolAnswer {
  readonly status: string
  readonly output: string
}

export interface ShellAnswer {
  readonly stdout: string
  readonly stderr: string
  /** 124: it took too long. */
  readonly exitCode: number
}

const form = `shell() takes a command and { cwd, env, timeoutMs, signal }: session.shell('ls -l', { cwd: 'src', timeoutMs: 5000 })`
const known = ['cwd', 'env', 'timeoutMs', 'signal']
const timedOut = 124
const variable = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Between TERM and KILL, in seconds. */
const graceSeconds = 2

/** One word of a command line. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** Throws TypeError. What is recorded is the command, so values that nobody may see do not belong into it, nor into `env`. */
export function shellCall(command: unknown, options: unknown): { readonly command: string } {
  if (typeof command !== 'string' || command.trim() === '') throw new TypeError(form)
  const { cwd, env, timeoutMs, signal, ...others } = (options ?? {}) as Readonly<Record<string, unknown>>
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw new TypeError(`"${other}" is no option of shell() in a workflow, which takes ${known.join(', ')}. ${form}`)
  if (signal instanceof AbortSignal) signal.throwIfAborted()
  if (cwd !== undefined && (typeof cwd !== 'string' || cwd === '')) throw new TypeError(form)
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0 && Number.isFinite(timeoutMs)))
    throw new TypeError(`"timeoutMs" of shell() is a number of milliseconds above 0. ${form}`)
  const said = [...exported(env), command].join('\n')
  const lines = [
    ...(cwd === undefined ? [] : [`cd -- ${quoted(cwd)} || exit 1`]),
    timeoutMs === undefined
      ? said
      : `timeout -k ${graceSeconds} ${timeoutMs / 1_000} "\${BASH:-sh}" -c ${quoted(said)}`,
  ]
  return { command: lines.join('\n') }
}

function exported(env: unknown): readonly string[] {
  if (env === undefined) return []
  if (typeof env !== 'object' || env === null || Array.isArray(env))
    throw new TypeError(`"env" of shell() has names and texts: { env: { REGION: 'eu' } }`)
  return Object.entries(env).map(([name, value]) => {
    if (!variable.test(name) || typeof value !== 'string')
      throw new TypeError(
        `"env" of shell() has names of letters, digits and "_", and texts: { env: { REGION: 'eu' } }; not ${JSON.stringify(name)}`,
      )
    return `export ${name}=${quoted(value)}`
  })
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

/** Whether a part of what the command said was left out. */
export const wasCut = (answer: unknown): boolean => parsed((answer as ToolAnswer).output)?.truncated === true

function parsed(output: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(output)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
