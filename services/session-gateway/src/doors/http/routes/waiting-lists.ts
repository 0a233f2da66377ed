// The lists of what waits for people in all sessions: one form of question for each kind of it.
import { Type } from 'typebox'
import { pageQuery } from '../page-query.ts'

export const waitingQuery = <State extends string>(states: readonly State[]) =>
  Type.Object(
    {
      state: Type.Optional(
        Type.Unsafe<State | 'all'>(
          Type.Union(
            [...states, 'all'].map((state) => Type.Literal(state)),
            { description: 'Default waiting' },
          ),
        ),
      ),
      agent: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
      session: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      tree: Type.Optional(
        Type.String({
          ...{ minLength: 1, maxLength: 64 },
          description: 'A session: what waits in all of its delegation tree',
        }),
      ),
      ...pageQuery(50, 500),
    },
    { additionalProperties: false },
  )

interface WaitingQuery {
  readonly state?: string
  readonly agent?: string
  readonly session?: string
  readonly tree?: string
  readonly limit?: number
  readonly after?: string
}

/** As the index is asked. */
export const waitingRequest = ({ state = 'waiting', agent, session, tree, limit = 50, after }: WaitingQuery) => ({
  limit,
  ...(state === 'all' ? {} : { state }),
  ...(agent === undefined ? {} : { agent }),
  ...(session === undefined ? {} : { session }),
  ...(tree === undefined ? {} : { tree }),
  ...(after === undefined ? {} : { after }),
})
