// The routes of a conversation with one agent: the same for programs (api mode) and for the web page. Decode, ask, tell.
//   CR1. What goes wrong before the first event is answered as JSON with a status; from then on it is an event.
//   CR2. Whose token is sent to the gateway is the mode's affair; this file never sees one.
import { type AnswerElicitation, type DecideApproval, isSessionId, ReinsError } from '@reins/contracts'
import { answer, beginTalk, decide, goOn, sayMore, type Talk, type TalkClient } from '../conversation/talk.ts'
import { tell } from '../conversation/tell.ts'
import { jsonBody } from '../listening/body.ts'
import type { Incoming, Reply, ServedRoute } from '../listening/listening.ts'

export interface ChatRoutesOptions {
  readonly agent: string
  /** Of requests that name none. */
  readonly session?: string
  readonly server: string
  /** The client that speaks to the gateway for this request. Throws unauthorized. */
  clientFor(incoming: Incoming): Promise<TalkClient>
  /** ms for which the gateway may be away in the middle of a stream. */
  readonly awayMs: number
}

export function chatRoutes(options: ChatRoutesOptions): readonly ServedRoute[] {
  const { agent, server, awayMs } = options
  const told = (talk: Talk, client: TalkClient, { left, closing }: Incoming): Reply => ({
    events: tell(talk, { client, server, awayMs, left, closing }),
  })
  return [
    {
      method: 'POST',
      path: '/chat',
      async handle(incoming) {
        const client = await options.clientFor(incoming)
        const body = await jsonBody(incoming.request)
        const session = sessionOf(incoming) ?? options.session
        const after = lastEventId(incoming)
        const key = headerOf(incoming, 'idempotency-key')
        const write = key === undefined ? {} : { idempotencyKey: key }
        if (session !== undefined && after !== undefined) {
          const message = body.message === undefined ? {} : { message: messageOf(body) }
          return told(await goOn(client, session, { agent, after, ...message, ...write }), client, incoming)
        }
        const say = { agent, message: messageOf(body), ...write }
        const talk = session === undefined ? await beginTalk(client, say) : await sayMore(client, session, say)
        return told(talk, client, incoming)
      },
    },
    {
      method: 'POST',
      path: '/elicitation/:id',
      async handle(incoming) {
        const client = await options.clientFor(incoming)
        const body = await jsonBody(incoming.request)
        const session = neededSession(incoming)
        const { id = '' } = incoming.params
        const asked = { agent, elicitation: id, given: answerOf(body, id), after: lastEventId(incoming) }
        return told(await answer(client, session, asked), client, incoming)
      },
    },
    {
      method: 'POST',
      path: '/approval/:id',
      async handle(incoming) {
        const client = await options.clientFor(incoming)
        const body = await jsonBody(incoming.request)
        const session = neededSession(incoming)
        const { id = '' } = incoming.params
        const asked = { agent, call: id, decision: body as DecideApproval, after: lastEventId(incoming) }
        if (body.verdict === undefined)
          throw new ReinsError('invalid_request', 'The body has no "verdict".', {
            next: 'Send {"verdict": "approved"}, {"verdict": "edited", "args": {…}} or {"verdict": "denied", "reason": "…"}.',
          })
        return told(await decide(client, session, asked), client, incoming)
      },
    },
    {
      method: 'GET',
      path: '/session/:id',
      async handle(incoming) {
        const client = await options.clientFor(incoming)
        const { id = '' } = incoming.params
        return { status: 200, json: await client.sessions.get(id) }
      },
    },
  ]
}

export const healthRoute: ServedRoute = {
  method: 'GET',
  path: '/health',
  handle: async () => ({ status: 200, json: { status: 'ok' } }),
}

function sessionOf({ query }: Incoming): string | undefined {
  const session = query.get('session')
  if (session === null || session === '') return undefined
  if (!isSessionId(session))
    throw new ReinsError('session_not_found', `There is no session ${JSON.stringify(session.slice(0, 80))}.`)
  return session
}

function neededSession(incoming: Incoming): string {
  const session = sessionOf(incoming)
  if (session !== undefined) return session
  throw new ReinsError('invalid_request', 'The request names no session.', {
    next: 'Name it in the query: ?session=<id>. The first frame of a new session has its id.',
  })
}

function messageOf({ message }: Readonly<Record<string, unknown>>): string {
  if (typeof message === 'string' && message !== '') return message
  const why = message === undefined ? 'The body has no "message".' : 'The "message" of the body is not a text.'
  throw new ReinsError('invalid_request', why, { next: 'Send {"message": "…"}.' })
}

/** Whoever answers here has shown the page already: the call goes on at once, unless the body says that the page is still open. */
function answerOf(body: Readonly<Record<string, unknown>>, id: string): AnswerElicitation {
  const { action, elicitation_id: named = id } = body
  if (named !== id)
    throw new ReinsError('invalid_request', 'The "elicitation_id" of the body is another than that of the path.')
  if (action !== 'accept' && action !== 'decline' && action !== 'cancel')
    throw new ReinsError('invalid_request', 'The "action" of the body is none of accept, decline and cancel.', {
      next: 'Send {"elicitation_id": "…", "action": "accept"}.',
    })
  const { content } = body as Pick<AnswerElicitation, 'content'>
  const completed = action === 'accept' && content === undefined ? body.completed !== false : undefined
  return { action, ...(content === undefined ? {} : { content }), ...(completed ? { completed } : {}) }
}

const lastEventId = (incoming: Incoming): string | undefined => headerOf(incoming, 'last-event-id')

function headerOf({ request }: Incoming, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
