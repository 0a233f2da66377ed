// Tools whose functions the code of a run gives, with a prompt or with an agent that it asks for. They stand in no module: whoever runs one
// replays the run up to the operation that gave it, and finds the function there.
//   GT1. A call of such a tool is a call of the session below as any other: asked for, claimed, run once, and ended in that session's log.
//        The run's log has what it needs already, and gets nothing of it.
//   GT2. The function is found in the run as it stood when it gave it: with what had ended by then, and its code was told of. What the run
//        comes to later changes nothing of that.
//   GT3. Both logs name such tools: an older process leaves both sessions to those that can run them.
import { type AgentDefinition, type EventOf, type SessionEvent, storedCode } from '@reins/contracts'
import type { Fold } from '../folding/fold.ts'
import type { Meanings } from '../slice.ts'
import type { Operation, OperationResult, Run } from './run-state.ts'

export const givenToolsEvents: Meanings<'tools.given'> = {
  'tools.given': { evolve: (session) => session },
}

/** GT3. What a definition says of such tools. */
export const givenDeclared = (definition: Pick<AgentDefinition, 'tools'>): readonly SessionEvent[] =>
  storedCode(definition).flatMap(({ given, tools }) => (given ? [toolsGiven(given, tools)] : []))

export const toolsGiven = (
  { run, position }: { readonly run: string; readonly position: number },
  tools: readonly { readonly name: string }[],
): EventOf<'tools.given'> => ({
  type: 'tools.given',
  data: { run, position, tools: tools.map(({ name }) => name) },
})

/** An operation as a replay is given it. Without a result it is open. */
export interface RecordedOperation {
  readonly name: string
  readonly operation: Operation['operation']
  readonly result?: OperationResult
  readonly order?: number
}

export const recordedOperations = (run: Run): readonly RecordedOperation[] => Array.from(run.operations, recorded)

function recorded(one: Operation): RecordedOperation {
  const { name, operation } = one
  // RN7: of what has ended beside a replay, that one was not told.
  return one.state === 'done' && one.order >= 0
    ? { name, operation, result: one.result, order: one.order }
    : { name, operation }
}

/** GT2. Whether a fold that is read from its beginning, frame by frame, has come to the operation. */
export const hasGiven = ({ session }: Fold, position: number): boolean =>
  (session.run?.operations.length ?? 0) > position
