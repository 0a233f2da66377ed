// What a code host says of operations, and events that follow from it alone.
import type { RunResult } from '@reins/code-host'
import type { EventOf, RunError, SessionEvent } from '@reins/contracts'

/** What a host says of an operation; each word is checked where it becomes an event. */
export interface Words {
  readonly position: number
  readonly name: string
  readonly operation: string
  readonly value: unknown
  readonly message: unknown
  readonly agent: unknown
  readonly harness: unknown
  readonly schema: unknown
  readonly model: unknown
  readonly thinkingLevel: unknown
  readonly images: unknown
  /** Tools, skills and subagents that the code gives. */
  readonly more: unknown
  readonly tool: unknown
  readonly event: unknown
  readonly ms: unknown
  readonly output: unknown
  readonly replay: unknown
  readonly attempt: number
  readonly result: RunResult
  readonly level: unknown
  readonly attributes: unknown
  readonly step: unknown
}

/** RR1 of replay-run.ts: what it is, the schema of the event says. Empty: a model is to answer. */
export const askedTool = (message: string, tool: unknown): readonly SessionEvent[] =>
  tool === undefined ? [] : [{ type: 'tool.asked', data: { ...(tool as object), message } } as EventOf<'tool.asked'>]

export const tooMany = (what: string): RunError => ({ code: 'too-much', message: `The code ${what}.` })
