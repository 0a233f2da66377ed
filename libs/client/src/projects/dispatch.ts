// `dispatch` from any process: the same as in the code of a project, by the API.
import type { DispatchReceipt, DispatchRequest } from '@reins/agent'
import type { CreatedSession } from '@reins/contracts'
import { dispatchText } from '@reins/contracts/dispatch'
import { ReinsError } from '@reins/contracts/errors'
import { answers } from '../answers.ts'
import { keyHeader, type Transport, type WriteOptions } from '../transport/transport.ts'

export async function dispatch(
  transport: Transport,
  { agent, id, session, input, idempotencyKey }: DispatchRequest,
  { signal }: Pick<WriteOptions, 'signal'> = {},
): Promise<DispatchReceipt> {
  if (input === undefined)
    throw new ReinsError('invalid_request', 'The dispatch has no input: use null for an intentional empty payload.')
  if (id.trim() === '') throw new ReinsError('invalid_request', 'The id of the agent is blank.')
  const body = { agent, instance: id, ...(session === undefined ? {} : { session }), message: dispatchText(input) }
  const created = await transport.json<CreatedSession>(
    {
      ...{ method: 'POST', path: '/v1/sessions', body, signal },
      headers: keyHeader(idempotencyKey === undefined ? {} : { idempotencyKey }),
    },
    answers.sessionCreated,
  )
  return {
    dispatchId: created.messageId ?? '',
    acceptedAt: new Date(created.session.lastActivityAt).toISOString(),
  }
}
