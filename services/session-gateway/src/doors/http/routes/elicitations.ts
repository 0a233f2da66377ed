// What servers ask people, and the answers. Decode, call, encode.
import {
  AnswerElicitation,
  AskedElicitationList,
  ElicitationAnswered,
  ElicitationList,
  elicitationStates,
} from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { answered, writeStatuses } from '../outcomes.ts'
import { type Answer, json, type Route, route } from '../route.ts'
import { asking, idempotencyKey } from './sessions.ts'
import { waitingQuery, waitingRequest } from './waiting-lists.ts'

const closed = { additionalProperties: false } as const
const id = Type.String({ minLength: 1, maxLength: 1024 })

export function elicitationRoutes({ elicitations }: Api): readonly Route[] {
  return [
    route({
      ...operations.listAllElicitations,
      method: 'GET',
      path: '/v1/elicitations',
      query: waitingQuery(elicitationStates),
      answers: { 200: AskedElicitationList },
      handle: async ({ caller, query }) => json(200, await elicitations.listAll(caller, waitingRequest(query))),
    }),
    route({
      ...operations.listElicitations,
      method: 'GET',
      path: '/v1/sessions/:id/elicitations',
      params: Type.Object({ id }, closed),
      answers: { 200: ElicitationList },
      handle: async ({ caller, params }) =>
        json(200, { elicitations: [...(await elicitations.list(caller, params.id))] }),
    }),
    route({
      ...operations.answerElicitation,
      method: 'POST',
      path: '/v1/sessions/:id/elicitations/:elicitation',
      params: Type.Object({ id, elicitation: id }, closed),
      headers: idempotencyKey,
      body: AnswerElicitation,
      answers: { 200: ElicitationAnswered, 202: ElicitationAnswered },
      handle: async (incoming): Promise<Answer> => {
        const { caller, params, body } = incoming
        return answered(
          await elicitations.answer(caller, params.id, params.elicitation, body, asking(incoming, undefined)),
          writeStatuses,
        )
      },
    }),
  ]
}
