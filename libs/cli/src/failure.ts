// How commands fail: what a person reads, and the exit code.
//   0 done · 1 failed · 2 wrong usage · 130 interrupted
import { ReinsError } from '@reins/contracts'
import { neutralise } from './text/neutralise.ts'

export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** Thrown by commands, caught by `runProgram`. `next` says what to do now. */
export class CommandFailure extends Error {
  readonly exitCode: number
  readonly next: string | undefined
  constructor(message: string, options: { readonly exitCode?: number; readonly next?: string } = {}) {
    super(message)
    this.name = 'CommandFailure'
    this.exitCode = options.exitCode ?? exitCodes.failed
    this.next = options.next
  }
}

/** Thrown where everything has been said already: only the exit code is left. */
export class QuietExit extends Error {
  readonly exitCode: number
  constructor(exitCode: number) {
    super(`exit ${exitCode}`)
    this.name = 'QuietExit'
    this.exitCode = exitCode
  }
}

export const usageFailure = (message: string, next?: string): CommandFailure =>
  new CommandFailure(message, { exitCode: exitCodes.usage, ...(next === undefined ? {} : { next }) })

export interface FailureReport {
  readonly message: string
  readonly next?: string
  readonly code?: string
  readonly details?: unknown
  readonly exitCode: number
}

export function explainFailure(error: unknown): FailureReport {
  if (error instanceof CommandFailure)
    return {
      message: error.message,
      ...(error.next === undefined ? {} : { next: error.next }),
      exitCode: error.exitCode,
    }
  if (error instanceof ReinsError)
    return {
      message: error.message,
      next:
        error.code === 'unauthorized'
          ? 'Sign in with reins auth login, or give a token with --token or REINS_TOKEN. This shows which one is used: reins auth status'
          : error.next,
      code: error.code,
      ...(error.details === undefined ? {} : { details: error.details }),
      exitCode: exitCodes.failed,
    }
  return { message: error instanceof Error ? error.message : String(error), exitCode: exitCodes.failed }
}

/** Lines for a terminal: what happened, the details, what to do. */
export function failureText(failure: FailureReport): string {
  const problems = problemsOf(failure.details)
  // A message may list the problems itself, for clients that show no details: nobody should read them twice.
  const listed = problems.length > 0 && problems.every(({ message }) => failure.message.includes(message))
  const lines = [`reins: ${listed ? (failure.message.split('\n')[0] ?? '') : failure.message}`]
  for (const { text } of problems) lines.push(`  ${text}`)
  if (failure.next !== undefined) lines.push(failure.next)
  return neutralise(lines.join('\n'))
}

/** Commands that the text names, as this person types them: `npx reins …` where the program is not on the PATH. */
export const asTyped = (text: string, typed: string | undefined): string =>
  typed === undefined
    ? text
    : text.replace(
        /(?<![\w/-])(?<!npx )reins (?=(?:agent|chat|session|approvals|elicitations|mcp|secrets?|config|webhook|tokens?|roles?|principals?|auth|audit|memory|skill|usage|pool|project|init|test|dev|build|deploy|rollback|run|logs|deliver|connect|schedule|completion|up|service|doctor|rebuild-index)\b)/g,
        `${typed} `,
      )

/** Details that are a list of problems ({path, message, line?, column?}), bare or under `problems`. */
function problemsOf(details: unknown): { readonly message: string; readonly text: string }[] {
  const list = typeof details === 'object' && details !== null && 'problems' in details ? details.problems : details
  if (!Array.isArray(list)) return []
  return list.flatMap((problem: unknown) => {
    if (typeof problem !== 'object' || problem === null || !('message' in problem)) return []
    const { path, message, line, column } = problem as Record<string, unknown>
    const place = typeof line === 'number' ? `line ${line}${typeof column === 'number' ? `:${column}` : ''}: ` : ''
    const field = typeof path === 'string' && path !== '' ? `${path}: ` : ''
    return [{ message: String(message), text: `${place}${field}${String(message)}` }]
  })
}
