// What a delegation comes to, for code that reads its result.

/** What a delegation came to: the form is the same whatever happened, and an error is a result like any other. */
export class DelegationResult {
  /** Which agent it was. */
  readonly agent: string
  readonly status: 'completed' | 'paused' | 'failed'
  /** The answer, what the agent waits for, or what went wrong. Any JSON. */
  readonly output: unknown
  /** There where the delegation can go on. */
  declare readonly execution_id?: string

  constructor({
    agent,
    status,
    output,
    execution_id,
  }: Pick<DelegationResult, 'agent' | 'status' | 'output' | 'execution_id'>) {
    this.agent = agent
    this.status = status
    this.output = output
    if (execution_id !== undefined) this.execution_id = execution_id
  }

  /** From the result of a call of `delegate`: its text, or that text as JSON. Throws a TypeError where it is none. */
  static from(result: unknown): DelegationResult {
    const value: unknown = typeof result === 'string' ? parse(result) : result
    if (!isRecord(value) || typeof value.agent !== 'string' || !isStatus(value.status) || !('output' in value))
      throw new TypeError(
        'This is no result of a delegation: it needs agent, status (completed, paused or failed) and output.',
      )
    const { agent, status, output, execution_id } = value
    return new DelegationResult({
      agent,
      status,
      output,
      ...(typeof execution_id === 'string' ? { execution_id } : {}),
    })
  }

  /** Plain data; a key that has no value is absent. */
  toDict(): { agent: string; status: DelegationResult['status']; output: unknown; execution_id?: string } {
    const { agent, status, output, execution_id } = this
    return { agent, status, output, ...(execution_id === undefined ? {} : { execution_id }) }
  }
}

const statuses: readonly unknown[] = ['completed', 'paused', 'failed']
const isStatus = (value: unknown): value is DelegationResult['status'] => statuses.includes(value)
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** An agent that is listed is not as it must be: its name, its description, or that it is there twice. */
export class AgentValidationError extends Error {
  override readonly name = 'AgentValidationError'
}

/** Reserved: an agent that was to do something is not there. */
export class AgentNotFoundError extends Error {
  override readonly name = 'AgentNotFoundError'
}
