// What the code of a workflow is given by a model that delegates to it: as its payload, and later for a pause.
import type { EventData, EventOf } from '@reins/contracts'
import { openOf, type Run } from './run-state.ts'

type Asked = Pick<EventData<'delegation.requested'>, 'instruction' | 'input' | 'expectedOutput'>

/** The fields of `input` where that is a JSON object, so that a workflow is given what anybody else gives it; and the words of the model. */
export function handedToRun({ instruction, input, expectedOutput }: Asked): Readonly<Record<string, unknown>> {
  const data = input === undefined ? undefined : asJson(input)
  const fields = isRecord(data) ? data : data === undefined ? {} : { input: data }
  return {
    ...(instruction.trim() === '' ? {} : { instruction }),
    ...(expectedOutput === undefined ? {} : { expectedOutput }),
    ...fields,
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The oldest pause of a workflow that waits for input. */
export const inputPause = (run: Run) => openOf(run, 'wait').find(({ waits }) => waits.event === undefined)

/** Where the workflow waits for input. */
export function deliveredTo(run: Run, asked: Asked & { readonly call: string }): EventOf<'run.continued'> | null {
  const pause = inputPause(run)
  if (!pause) return null
  const data = { call: asked.call, position: pause.position, value: handedToRun(asked) }
  return { type: 'run.continued', data }
}
