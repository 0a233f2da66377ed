// What a message asks of the answer to it: an event beside it, once it is known that answers can be held against the schema.
import { type JsonObject, memberPath, ReinsError, type SessionEvent } from '@reins/contracts'
import type { GatewayConfig } from '../../ports.ts'
import type { Ids } from '../writes/idempotency.ts'

/** Empty: the agent's definition says it. Rejects with invalid_request. */
export async function askedOutput(
  { outputSchemaProblem }: Pick<GatewayConfig, 'outputSchemaProblem'>,
  { subject }: Ids,
  { output_schema: schema, output_retries: retries }: { output_schema?: JsonObject; output_retries?: number },
): Promise<readonly SessionEvent[]> {
  if (schema === undefined) {
    if (retries === undefined) return []
    throw new ReinsError('invalid_request', 'The body is not valid: output_retries needs output_schema beside it.')
  }
  const problem = await outputSchemaProblem?.(schema)
  if (problem) {
    const where = problem.path === '' ? 'output_schema' : memberPath('output_schema', problem.path)
    throw new ReinsError('invalid_request', `The body is not valid: ${where} ${problem.message}.`)
  }
  const data = { message: subject, schema: { ...schema }, ...(retries === undefined ? {} : { retries }) }
  return [{ type: 'output.requested', data }]
}
