// What the gateway answers for a project's route: a head, and a body that is made only when somebody reads it: the client, past the
// project's code, or that code.
import type { Fault } from './faults.ts'

export interface GatewayAnswer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body:
    | { readonly kind: 'text'; readonly text: string }
    /** Read once. */
    | { readonly kind: 'pieces'; readonly pieces: AsyncIterable<string> }
    /** An upgrade is granted: what the socket is for. */
    | { readonly kind: 'socket'; readonly grant: SocketGrant }
}

export interface SocketGrant {
  readonly target: 'agent' | 'workflow'
  readonly name: string
  /** Of an agent; '' for a workflow. */
  readonly instance: string
  readonly principal: string | undefined
}

const jsonType = ['content-type', 'application/json; charset=utf-8'] as const

export const jsonAnswer = (
  status: number,
  value: unknown,
  headers: readonly (readonly [string, string])[] = [],
): GatewayAnswer => ({
  status,
  headers: [jsonType, ...headers],
  body: { kind: 'text', text: JSON.stringify(value) },
})

export const faultAnswer = ({ status, error }: Fault): GatewayAnswer => jsonAnswer(status, { error })

export const eventsAnswer = (
  pieces: AsyncIterable<string>,
  headers: readonly (readonly [string, string])[] = [],
): GatewayAnswer => ({
  status: 200,
  headers: [
    ['content-type', 'text/event-stream; charset=utf-8'],
    ['cache-control', 'no-store'],
    ['x-accel-buffering', 'no'],
    ...headers,
  ],
  body: { kind: 'pieces', pieces },
})

export async function* piecesOf(body: GatewayAnswer['body']): AsyncGenerator<string> {
  if (body.kind === 'text') yield body.text
  else if (body.kind === 'pieces') yield* body.pieces
}
