// What is asked of an agent's instance by its route: a message and its answer (as a result, as events, or as a receipt), its events, its
// abort, and a dispatch.
//   AD1. A message is accepted by the same functions as over /v1: what was accepted is durable, and its instance is made by the first one.
//   AD2. Events of one request begin just before its message, and end when the turn that holds it has ended.
//   AD3. Of a message whose condition (`uid`) does not hold nothing is stored. A repetition of what was stored is answered before that.
import { CreateSession, instanceSessionId, ReinsError, type StreamItem, type TurnResult } from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../api/api.ts'
import type { Caller } from '../../api/caller.ts'
import { errorOf, firstOf } from '../../api/outcomes.ts'
import { checker } from '../http/check.ts'
import { TurnWatch, type TurnEnd } from '../../api/writes/turn-watch.ts'
import type { Opening, Streams } from '../../streams/streams.ts'
import { type Asked, bodyOf, type Condition, conditionOf, instanceOf, sessionNameOf, uidOf } from './asked.ts'
import { eventsAnswer, faultAnswer, type GatewayAnswer, jsonAnswer } from './bodies.ts'
import { type Fault, fault, faultOf } from './faults.ts'
import { type FlueEvent, flueEvents } from './flue-events.ts'
import { type Heard, ItemsSink } from './items-sink.ts'

export interface AgentDoorParts {
  readonly api: Pick<Api, 'writes' | 'reads'>
  readonly streams: Pick<Streams, 'open'>
  readonly now: () => number
}

export interface Prompt {
  readonly agent: string
  readonly instance: string
  readonly session: string | undefined
  readonly message: string
  readonly images?: CreateSession['images']
  readonly key?: string | undefined
  readonly trace?: string | undefined
  readonly uid?: Condition
}

/** A message that was accepted. */
export interface Accepted {
  readonly id: string
  readonly message: string
  readonly cursor: string
  readonly model: string
  /** It came before, with the same key. */
  readonly repeated: boolean
  readonly ended?: TurnResult['turn']
}

/** Of a prompt, as its clients follow it. */
export type PromptEvent =
  | { readonly kind: 'event'; readonly event: FlueEvent }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'ended'; readonly cursor: string; readonly turn: TurnEnd }
  | { readonly kind: 'failed'; readonly fault: Fault }

export class AgentDoor {
  readonly #parts: AgentDoorParts
  constructor(parts: AgentDoorParts) {
    this.#parts = parts
  }

  /** AD1. Throws what the write is refused with. `wait`: also for the end of the turn. */
  async accept(caller: Caller, prompt: Prompt, wait?: AbortSignal): Promise<Accepted> {
    const { agent, instance, session, message, images, key, trace, uid } = prompt
    const request = {
      ...{ agent, instance, message },
      ...(session === undefined ? {} : { session }),
      ...(images === undefined ? {} : { images }),
    }
    const here = uidOf(instanceSessionId(agent, instance, session ?? 'default'))
    if (typeof uid === 'string' && uid !== here) throw noInstance() // AD3
    const outcome = await this.#parts.api.writes.create(caller, request, {
      ...(key === undefined ? {} : { key }),
      ...(trace === undefined ? {} : { trace }),
      ...(wait ? { wait } : {}),
      ...(uid === undefined ? {} : { only: uid === null ? 'new' : 'existing' }),
    })
    if (outcome.kind === 'refused' && outcome.code === 'session_exists')
      throw new ReinsError('session_exists', 'The instance has this session already.', { details: { uid: here } })
    if (outcome.kind === 'refused' && outcome.code === 'session_not_found') throw noInstance()
    if (outcome.kind === 'refused') throw errorOf(outcome)
    const settled = outcome.kind === 'turn-ended' ? outcome.settled : outcome
    const { receipt } = firstOf(settled)
    return {
      repeated: settled.kind === 'repeated',
      ...{ id: receipt.session.id, message: receipt.messageId ?? '', cursor: receipt.cursor },
      model: receipt.session.model ?? '',
      ...(outcome.kind === 'turn-ended' ? { ended: outcome.result.turn } : {}),
    }
  }

  /** `POST /agents/:name/:id`. */
  async prompt(caller: Caller, asked: Asked, signal: AbortSignal): Promise<GatewayAnswer> {
    if (asked.headers['x-webhook'] !== undefined)
      throw new ReinsError('invalid_request', 'The header X-Webhook is not taken here.', {
        next: 'Have an app route take the webhook, and call dispatch(…) there.',
      })
    const waits = asked.query.wait
    if (waits !== undefined && waits !== 'result' && waits !== 'accepted')
      throw new ReinsError('invalid_request', 'The query is not valid: wait: must be result or accepted.')
    const prompt = promptOf(asked)
    const sse = /text\/event-stream/i.test(asked.headers.accept ?? '')
    if (!sse && waits !== 'accepted') {
      const accepted = await this.accept(caller, prompt, signal)
      return accepted.ended
        ? resultAnswer(asked, prompt, accepted, accepted.ended)
        : receiptAnswer(asked, prompt, accepted)
    }
    const accepted = await this.accept(caller, prompt)
    if (!sse) return receiptAnswer(asked, prompt, accepted)
    return eventsAnswer(sseOf(prompt, accepted, await this.follow(caller, accepted)))
  }

  /** AD2. */
  async follow(caller: Caller, { id, message, cursor }: Accepted): Promise<AsyncIterable<PromptEvent>> {
    const opening = await this.#parts.streams.open(caller, { session: id, after: cursor, deltas: true, tree: false })
    return promptEvents(heardOf(opening), message)
  }

  /** `GET /agents/:name/:id`: all events from a cursor on, as SSE for as long as the client stays, or a page of them. */
  async events(caller: Caller, asked: Asked): Promise<GatewayAnswer> {
    const { query, headers } = asked
    const session = sessionIdOf(asked, sessionNameOf(query.session))
    const given = headers['last-event-id'] ?? query.offset
    const after = given === '-1' || given === 'now' ? undefined : given
    const live = query.live === 'sse' || /text\/event-stream/i.test(headers.accept ?? '')
    if (!live) {
      const page = await this.#parts.api.reads.page(caller, session, after, 500, false)
      return jsonAnswer(200, page.events.flatMap((event) => flueEvents(event as StreamItem)).map(shown), [
        ['stream-next-offset', page.cursor],
        ...(page.more ? [] : [['stream-up-to-date', 'true'] as const]),
      ])
    }
    const opening = await this.#parts.streams.open(caller, { session, after, deltas: true, tree: false })
    return eventsAnswer(sseOfAll(heardOf(opening)))
  }

  /** `POST /agents/:name/:id/abort`. */
  async abort(caller: Caller, asked: Asked): Promise<GatewayAnswer> {
    const session = sessionIdOf(asked, sessionNameOf(bodyOf(asked).session))
    return jsonAnswer(200, { aborted: await this.cancel(caller, session) })
  }

  /** Whether there was anything to cancel. Throws what it is refused with. */
  async cancel(caller: Caller, session: string): Promise<boolean> {
    const outcome = await this.#parts.api.writes.control(caller, session, 'cancel')
    if (outcome.kind === 'refused') throw errorOf(outcome)
    return firstOf(outcome.kind === 'turn-ended' ? outcome.settled : outcome).kind !== 'unchanged'
  }
}

const withImages = checker(Type.Pick(CreateSession, ['images']), 'body')

const noInstance = (): ReinsError =>
  new ReinsError('session_not_found', 'The instance has no session with this uid.', {
    next: 'Send the message without uid, and it begins one.',
  })

const sessionIdOf = (asked: Asked, session: string | undefined): string =>
  instanceSessionId(asked.name, instanceOf(asked.id), session ?? 'default')

function promptOf(asked: Asked): Prompt {
  const body = bodyOf(asked)
  const { message, images, session, idempotencyKey, uid, ...others } = body
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new ReinsError(
      'invalid_request',
      `The body is not valid: unknown field ${JSON.stringify(unknown.slice(0, 100))}.`,
    )
  const key = asked.headers['idempotency-key'] ?? idempotencyKey
  if (key !== undefined && typeof key !== 'string')
    throw new ReinsError('invalid_request', 'The body is not valid: idempotencyKey: must be a text.')
  return {
    ...{ agent: asked.name, instance: instanceOf(asked.id), session: sessionNameOf(session), key },
    message: messageOf(message),
    ...(images === undefined ? {} : { images: imagesOf(images) }),
    uid: conditionOf(uid),
    trace: asked.headers.traceparent,
  }
}

export function messageOf(message: unknown): string {
  if (typeof message === 'string' && message.trim() !== '') return message
  throw new ReinsError('invalid_request', 'The body is not valid: message: must be a text that is not blank.')
}

/** Throws invalid_request. What is in them is looked at where they are taken. */
export function imagesOf(images: unknown): NonNullable<CreateSession['images']> {
  const { images: read = [] } = withImages.parse({ images })
  return read
}

/** A turn's result as clients of Flue know it. */
export function resultOf({ model }: Pick<Accepted, 'model'>, { content, usage, result }: TurnEnd): object {
  const [provider = '', ...id] = model.split('/')
  const { inputTokens: input, outputTokens: output, cacheReadTokens: cacheRead, cacheWriteTokens: cacheWrite } = usage
  return {
    text: content,
    ...(result === undefined ? {} : { data: result }),
    usage: { input, output, cacheRead, cacheWrite, totalTokens: input + output + cacheRead + cacheWrite },
    model: { provider, id: id.join('/') },
  }
}

/** undefined: it has ended well. */
export function faultOfTurn({ status, error, reason }: TurnEnd): Fault | undefined {
  if (status === 'completed') return undefined
  if (status === 'cancelled') return fault(409, 'aborted', `The message was cancelled${reason ? ` (${reason})` : ''}.`)
  return fault(500, error?.code ?? 'failed', error?.message ?? 'The agent failed.')
}

function resultAnswer(asked: Asked, prompt: Prompt, accepted: Accepted, turn: TurnEnd): GatewayAnswer {
  const failed = faultOfTurn(turn)
  return failed
    ? faultAnswer(failed)
    : jsonAnswer(200, { result: resultOf(accepted, turn), ...receiptOf(asked, prompt, accepted) })
}

function receiptAnswer(asked: Asked, prompt: Prompt, accepted: Accepted): GatewayAnswer {
  const receipt = receiptOf(asked, prompt, accepted)
  return jsonAnswer(202, receipt, [
    ['location', receipt.streamUrl],
    ['stream-next-offset', receipt.offset],
  ])
}

/** `streamUrl` with `offset` gives what came of the message. */
function receiptOf({ url }: Asked, { session }: Prompt, { id, message, cursor, repeated }: Accepted) {
  const streamUrl = session === undefined ? url : `${url}?session=${encodeURIComponent(session)}`
  return {
    ...{ streamUrl, offset: cursor, submissionId: message, uid: uidOf(id) },
    ...(repeated ? { deduplicated: true } : {}),
  }
}

/** Nothing is open before somebody reads. */
async function* heardOf(opening: Opening): AsyncGenerator<Heard> {
  const sink = new ItemsSink()
  opening.start(sink)
  yield* sink
}

/** Without its cursor, which goes beside it. */
const shown = ({ cursor: _cursor, ...event }: FlueEvent): object => event

async function* promptEvents(sink: AsyncIterable<Heard>, message: string): AsyncGenerator<PromptEvent> {
  const watch = new TurnWatch(message)
  for await (const heard of sink) {
    if (heard.kind === 'heartbeat') yield heard
    else if (heard.kind === 'failed') {
      yield { kind: 'failed', fault: faultOf(heard.error) }
      return
    } else {
      const item = JSON.parse(heard.item.json) as StreamItem
      for (const event of flueEvents(item)) yield { kind: 'event', event }
      const turn = 'n' in item ? watch.see(item as never) : undefined
      if (!turn) continue
      yield { kind: 'ended', cursor: item.cursor, turn }
      return
    }
  }
  yield { kind: 'failed', fault: fault(503, 'runtime_unavailable', 'The gateway is shutting down.') }
}

export const sseFrame = (type: string, id: string, data: object): string =>
  `event: ${type}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`

async function* sseOf(prompt: Prompt, accepted: Accepted, events: AsyncIterable<PromptEvent>): AsyncGenerator<string> {
  const about = { instanceId: prompt.instance, session: prompt.session ?? 'default' }
  let index = 0
  yield sseFrame('agent_start', accepted.cursor, { type: 'agent_start', ...about, eventIndex: index })
  for await (const one of events) {
    index += 1
    if (one.kind === 'heartbeat') yield ': heartbeat\n\n'
    else if (one.kind === 'event')
      yield sseFrame(one.event.type, one.event.cursor, { ...shown(one.event), ...about, eventIndex: index })
    else {
      const failed = one.kind === 'failed' ? one.fault : faultOfTurn(one.turn)
      const id = one.kind === 'ended' ? one.cursor : accepted.cursor
      if (failed) yield sseFrame('error', id, { type: 'error', ...about, error: failed.error })
      else if (one.kind === 'ended') {
        const result = resultOf(accepted, one.turn)
        yield sseFrame('agent_end', id, { type: 'agent_end', ...about, result, eventIndex: index })
      }
    }
  }
}

async function* sseOfAll(sink: AsyncIterable<Heard>): AsyncGenerator<string> {
  yield ': open\n\n'
  for await (const heard of sink) {
    if (heard.kind === 'heartbeat') yield ': heartbeat\n\n'
    else if (heard.kind === 'failed')
      yield `event: error\ndata: ${JSON.stringify({ type: 'error', error: faultOf(heard.error).error })}\n\n`
    else
      for (const event of flueEvents(JSON.parse(heard.item.json) as StreamItem))
        yield sseFrame(event.type, event.cursor, shown(event))
  }
}
