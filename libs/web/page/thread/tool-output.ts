// What came of a call, for people: a command's output as a terminal has it, the text of a file as text, everything else as JSON with lines. Pure.

/** A shell answers with JSON for the model; a person reads the streams. */
export interface CommandOutput {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number | undefined
}

export function commandOutput(output: string): CommandOutput | undefined {
  const value = objectIn(output)
  if (value === undefined || typeof value.stdout !== 'string') return undefined
  const { stdout, stderr = '', exit_code: exitCode } = value
  return { stdout, stderr: String(stderr), exitCode: typeof exitCode === 'number' ? exitCode : undefined }
}

/** One text for everything that is no command. */
export function readableOutput(output: string): string {
  const value = objectIn(output)
  if (value === undefined) return output
  const { status: _, content, ...rest } = value
  if (typeof content === 'string' && Object.values(rest).every((one) => typeof one !== 'object')) return content
  return JSON.stringify(value, null, 2)
}

function objectIn(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
