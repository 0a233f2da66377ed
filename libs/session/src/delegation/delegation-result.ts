// What a delegation comes to, as its model reads it: JSON with one form for every outcome.
//   DR1. An error is a result like any other: it never ends the turn, and the model decides what follows.

/** `execution_id` stands there where the delegation can go on. */
export interface DelegationOutcome {
  readonly agent: string
  readonly status: 'completed' | 'paused' | 'failed'
  readonly output: unknown
  readonly execution_id?: string
}

export const resultText = ({ agent, status, output, execution_id }: DelegationOutcome): string =>
  JSON.stringify({ agent, status, output, ...(execution_id === undefined ? {} : { execution_id }) })

/** What a model reads that is given the final text alone. */
export const finalText = ({ output }: DelegationOutcome): string =>
  typeof output === 'string' ? output : JSON.stringify(output)

/** What a child is told, in one message: the instruction, then the data that it needs, then the form of its answer. */
export function firstMessage({
  instruction,
  input,
  expectedOutput,
}: {
  readonly instruction: string
  readonly input?: string
  readonly expectedOutput?: string
}): string {
  return [
    instruction,
    ...(input === undefined ? [] : [`Input:\n${input}`]),
    ...(expectedOutput === undefined ? [] : [`Expected output:\n${expectedOutput}`]),
  ].join('\n\n')
}
