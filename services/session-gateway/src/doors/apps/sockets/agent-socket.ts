// A WebSocket to an agent's instance.
//   AW1. Prompts of one socket run one after the other; a ping and an abort do not wait behind them.
//   AW2. `started` is sent with the first event of a prompt; one that is refused has an error frame alone.
import { instanceSessionId, ReinsError } from '@reins/contracts'
import type { WebSocket } from 'ws'
import { asReinsError } from '../../../api/errors.ts'
import { type AgentDoor, faultOfTurn, imagesOf, messageOf, type Prompt, resultOf } from '../agent-door.ts'
import { conditionOf, sessionNameOf } from '../asked.ts'
import { faultOf } from '../faults.ts'
import { badFrame, type Frame, frameSocket, mostWithImages } from './frames.ts'
import type { Served } from './project-sockets.ts'
import type { WaitingRoom } from './waiting-room.ts'

const mostWaiting = 64
/** Of all prompts that wait, in characters: two with as many images as a message may show. */
const mostCharsWaiting = 2 * mostWithImages

export function serveAgentSocket(
  socket: WebSocket,
  door: AgentDoor,
  { grant, may, waiting: room }: Served & { readonly waiting: WaitingRoom },
): void {
  const { name, instance } = grant
  const running = new Map<string, { session: string | undefined }>()
  let waiting = 0
  let charsWaiting = 0
  let tail: Promise<void> = Promise.resolve()
  const frames = frameSocket(socket, ['prompt', 'abort'], ({ type, requestId, fields, size }) => {
    if (type === 'abort') void abort(requestId)
    else queue(requestId, fields, size)
  })
  frames.send({ type: 'ready', target: 'agent', name, instanceId: instance })

  function queue(requestId: string, fields: Frame<string>['fields'], size: number): void {
    const { message, images, session, idempotencyKey, uid } = fields
    const prompt: Prompt = {
      ...{ agent: name, instance, session: sessionNameOf(session), message: messageOf(message) },
      ...(images === undefined ? {} : { images: imagesOf(images) }),
      uid: conditionOf(uid),
      ...(typeof idempotencyKey === 'string' ? { key: idempotencyKey } : {}),
    }
    if (waiting >= mostWaiting)
      throw new ReinsError('too_many_requests', `${mostWaiting} prompts wait on this connection already.`)
    if (charsWaiting + size > mostCharsWaiting)
      throw new ReinsError(
        'too_many_requests',
        'The prompts that wait on this connection show too many images already.',
      )
    const leave = room.enter(size)
    waiting += 1
    charsWaiting += size
    tail = tail.then(async () => {
      await run(requestId, prompt).catch((error: unknown) => frames.refuse({ requestId }, faultOf(asReinsError(error))))
      leave()
      waiting -= 1
      charsWaiting -= size
    })
  }

  async function run(requestId: string, prompt: Prompt): Promise<void> {
    if (!frames.open) return
    running.set(requestId, prompt)
    try {
      const caller = may()
      const accepted = await door.accept(caller, prompt)
      const about = { instanceId: instance, session: prompt.session ?? 'default' }
      let index = 0
      for await (const one of await door.follow(caller, accepted)) {
        if (!frames.open) return
        if (one.kind === 'heartbeat') socket.ping()
        else if (one.kind === 'event') {
          if (index === 0) frames.send({ type: 'started', requestId }) // AW2
          const { cursor: offset, ...event } = one.event
          frames.send({ type: 'event', requestId, offset, event: { ...event, ...about, eventIndex: index } })
          index += 1
        } else {
          const failed = one.kind === 'failed' ? one.fault : faultOfTurn(one.turn)
          if (failed) frames.refuse({ requestId }, failed)
          else if (one.kind === 'ended')
            frames.send({ type: 'result', requestId, offset: one.cursor, result: resultOf(accepted, one.turn) })
        }
        if (frames.stuck) return socket.terminate()
      }
    } finally {
      running.delete(requestId)
    }
  }

  async function abort(requestId: string): Promise<void> {
    try {
      const session = running.get(requestId)?.session
      if (!running.has(requestId)) throw badFrame('no prompt of this requestId runs here')
      await door.cancel(may(), instanceSessionId(name, instance, session ?? 'default'))
    } catch (error) {
      frames.refuse({ requestId }, faultOf(asReinsError(error)))
    }
  }
}
