// A value that is given on the command line: JSON, a file that holds it, or stdin.
import { CommandFailure, exitCodes, usageFailure } from '../../failure.ts'
import type { Invocation } from '../../invocation.ts'
import { readAll } from '../stdin.ts'

/** How help texts say it. */
export const jsonHelp = 'JSON; @FILE takes it from a file, and - from stdin'

/** undefined where nothing was given. `option`: its name, for the error. */
export async function jsonArgument(run: Invocation, option: string, given: string | undefined): Promise<unknown> {
  if (given === undefined) return undefined
  const text = await textOf(run, option, given)
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw usageFailure(
      `${option} is not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}.`,
      `Quote it for your shell, such as ${option} '{"ticket": 7}', or give a file: ${option} @payload.json`,
    )
  }
}

async function textOf({ context, signal }: Invocation, option: string, given: string): Promise<string> {
  if (given === '-') return readAll(context, signal)
  if (!given.startsWith('@')) return given
  const file = given.slice(1)
  return context.readFile(file).catch((error: unknown) => {
    throw new CommandFailure(
      `${option} cannot be read from ${file}: ${error instanceof Error ? error.message : 'unknown'}.`,
      { exitCode: exitCodes.usage, next: 'Give the path of a file that holds JSON.' },
    )
  })
}
