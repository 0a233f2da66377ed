// api mode: an agent as a headless service over HTTP and server-sent events, for programs.
//   AM1. Each request but /health brings its own token, and that one alone is sent to the gateway. There is no fallback: the token of
//        whoever started the process is never used.
//   AM2. Nothing is kept between two requests.
import { ReinsError } from '@reins/contracts'
import { chatRoutes, healthRoute } from './chat/chat-routes.ts'
import { type Incoming, listen } from './listening/listening.ts'
import type { ServingMode } from './serving-mode.ts'

/** ms for which the gateway may be away in the middle of a stream. */
const awayMs = 60_000

export const apiMode: ServingMode = (options) =>
  listen({
    ...options,
    headers: { 'x-content-type-options': 'nosniff' },
    routes: [
      healthRoute,
      ...chatRoutes({
        ...options,
        awayMs,
        clientFor: async (incoming) => options.connect(bearerOf(incoming)), // AM1
      }),
    ],
  })

function bearerOf({ request: { headers } }: Incoming): string {
  const match = /^bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? '')
  if (match?.[1] !== undefined) return match[1]
  throw new ReinsError('unauthorized', 'Missing or invalid Authorization header', {
    next: 'Send "Authorization: Bearer <token>" with each request: api mode passes it on to the server, and has no token of its own.',
  })
}
