// The frames of a project's WebSocket, read and written: JSON texts with `"version": 1`.
//   FR2. Whoever sends and takes no answer is let go: answers wait in memory.
//   FR1. A frame that is not understood is answered with an error frame, and the socket goes on. Binary frames end it.
import { isMapping, maxMessageBodyBytes, ReinsError } from '@reins/contracts'
import type { WebSocket } from 'ws'
import { asReinsError } from '../../../api/errors.ts'
import { parseJson } from '../../http/json.ts'
import { type Fault, faultOf } from '../faults.ts'

export const mostBytes = 1024 * 1024
/** Of a prompt that shows images. */
export const mostWithImages = maxMessageBodyBytes

export interface Frame<Type extends string> {
  readonly type: Type
  /** '': of a ping without one. */
  readonly requestId: string
  readonly fields: Readonly<Record<string, unknown>>
  /** Characters of the frame. */
  readonly size: number
}

export interface FrameSocket {
  readonly open: boolean
  /** Whether its client takes so little that it should be let go. */
  readonly stuck: boolean
  send(frame: object): void
  refuse(about: { readonly requestId?: string; readonly runId?: string }, fault: Fault): void
}

/** `take` gets the frames of these types; what it throws is answered as FR1 says. Pings are answered here. */
export function frameSocket<Type extends string>(
  socket: WebSocket,
  types: readonly Type[],
  take: (frame: Frame<Type>) => void,
): FrameSocket {
  const send = (frame: object): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ version: 1, ...frame }))
  }
  const refuse: FrameSocket['refuse'] = (about, { error }) => send({ type: 'error', ...about, error })

  socket.on('message', (data, binary) => {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > mostBytes) return socket.terminate() // FR2
    if (binary) {
      refuse({}, faultOf(new ReinsError('invalid_request', 'Binary messages are not supported.')))
      return socket.close(1003, 'Binary messages are not supported')
    }
    const text = String(data)
    if (text.length > mostWithImages) return socket.close(1009, 'Messages have at most 10 MB')
    let requestId: string | undefined
    try {
      if (text.length > mostBytes && !/"images"\s*:\s*\[/.test(text))
        return socket.close(1009, 'Messages without images have at most 1 MiB')
      const value = parseJson(text, 'message')
      if (text.length > mostBytes && !(isMapping(value) && Array.isArray(value.images)))
        return socket.close(1009, 'Messages without images have at most 1 MiB')
      if (isMapping(value) && typeof value.requestId === 'string') requestId = value.requestId
      const frame = frameOf(value, types, text.length)
      if (frame.type !== 'ping') take(frame as Frame<Type>)
      else send({ type: 'pong', ...(frame.requestId === '' ? {} : { requestId: frame.requestId }) })
    } catch (error) {
      const known = asReinsError(error)
      refuse(
        requestId === undefined ? {} : { requestId },
        faultOf(known.code === 'invalid_json' ? new ReinsError('invalid_request', known.message) : known),
      )
    }
  })
  return {
    get open() {
      return socket.readyState === socket.OPEN
    },
    get stuck() {
      return socket.bufferedAmount > mostBytes
    },
    send,
    refuse,
  }
}

export const badFrame = (why: string): ReinsError =>
  new ReinsError('invalid_request', `The frame is not valid: ${why}.`)

/** Throws invalid_request. */
function frameOf<Type extends string>(value: unknown, types: readonly Type[], size: number): Frame<Type | 'ping'> {
  if (!isMapping(value)) throw badFrame('it must be a JSON object')
  const { version, type, requestId, ...fields } = value
  if (version !== 1) throw badFrame('version: must be 1')
  const known = [...types, 'ping' as const].find((one) => one === type)
  if (known === undefined) throw badFrame(`type: must be ${types.join(', ')} or ping`)
  if (requestId === undefined && known === 'ping') return { type: known, requestId: '', fields, size }
  if (typeof requestId !== 'string' || requestId.trim() === '' || requestId.length > 256)
    throw badFrame('requestId: must be a text that is not blank, of at most 256 characters')
  return { type: known, requestId, fields, size }
}
