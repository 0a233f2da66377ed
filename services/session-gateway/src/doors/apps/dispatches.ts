// `dispatch(…)` of a project's code: a message that is accepted, and answered by nobody.
//   DI1. The receipt is given when the message is durable. Messages of one session are worked off in the order of their acceptance, those
//        of people among them.
//   DI2. With a key the same dispatch happens once; with another input under that key it is refused.
import { dispatchText, ReinsError } from '@reins/contracts'
import { Type } from 'typebox'
import type { Caller } from '../../api/caller.ts'
import { checker } from '../http/check.ts'
import type { AgentDoor } from './agent-door.ts'
import { instanceOf, sessionNameOf } from './asked.ts'

const form = checker(
  Type.Object({
    agent: Type.String({ maxLength: 200 }),
    id: Type.String({ maxLength: 2000 }),
    session: Type.Optional(Type.String({ maxLength: 2000 })),
    input: Type.Unknown(),
    idempotencyKey: Type.Optional(Type.String({ maxLength: 200 })),
  }),
  'dispatch',
)

export interface DispatchReceipt {
  readonly dispatchId: string
  readonly acceptedAt: string
}

/** Throws what the message is refused with. */
export async function dispatched(
  door: Pick<AgentDoor, 'accept'>,
  caller: Caller,
  value: unknown,
  now: number,
): Promise<DispatchReceipt> {
  const { agent, id, session, input, idempotencyKey } = form.parse(value)
  if (input === undefined)
    throw new ReinsError('invalid_request', 'The dispatch has no input: use null for an intentional empty payload.')
  const { message } = await door.accept(caller, {
    ...{ agent, instance: instanceOf(id), session: sessionNameOf(session), key: idempotencyKey },
    message: dispatchText(input),
  })
  return { dispatchId: message, acceptedAt: new Date(now).toISOString() }
}
