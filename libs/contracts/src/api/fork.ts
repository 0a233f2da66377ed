// A session that goes on behind a frame of another one: what is asked for.
import { type Static, Type } from 'typebox'
import { MessageContent } from './api.ts'

const closed = { additionalProperties: false } as const

/** Body of POST /v1/sessions/:id/fork. */
export const ForkSession = Type.Object(
  {
    at: Type.Optional(
      Type.Integer({ minimum: 1, description: 'The fork goes on behind this frame; default: the last one' }),
    ),
    before: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description:
          'Instead of `at`: the fork goes on where this message had not been taken in yet; `latest`: the last one',
      }),
    ),
    message: Type.Optional(MessageContent),
    again: Type.Optional(
      Type.Boolean({ description: 'Instead of `message`: the same message again; without `before` the last one' }),
    ),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  closed,
)
export type ForkSession = Static<typeof ForkSession>
