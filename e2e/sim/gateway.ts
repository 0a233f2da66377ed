// The gateway and memory: they know a session by its head alone (PROTOCOL 2 and 4), and append what @reins/session says.
import { type EventOf, type Head, type SessionEvent, type Status, toLog } from '@reins/contracts'
import { type Decision, fireTimer, firstFrame, placeMessage, type RequestOutcome, steer } from '@reins/session'
import type { GatewayOp } from './scenario.ts'
import { root, type World } from './world.ts'

/** null: not yet, for there is no such session. */
export function targetOf(world: World, { of }: GatewayOp): string | null {
  if (of !== 'child') return root
  return world.sessions().find((id) => id !== root) ?? null
}

/** The next thing that people do. */
export function operate(world: World): void {
  const op = world.scenario.gateway[world.done]
  const session = op && targetOf(world, op)
  if (!op || !session) return
  world.done++
  const { head } = world.read(session)
  const outcome = outcomeOf(world, head, op)
  if (outcome.kind === 'append') world.send({ ...outcome.decision, session, head, by: 'gateway', role: 'g' }, null)
  else
    world.note(`the gateway ${outcome.kind === 'refused' ? `refuses ${op.op}: ${outcome.code}` : 'has nothing to do'}`)
  world.remembered = head.status
}

function outcomeOf(world: World, head: Head, op: GatewayOp): RequestOutcome {
  if (op.op === 'rename') return rename(world, head)
  if (op.op !== 'message') return op.op === 'cancel' && op.end ? steer('end', 'x', head) : steer(op.op, 'x', head)
  const { message, onBusy } = op
  const said: EventOf<'message.received'> = {
    type: 'message.received',
    data: { message, content: [{ type: 'text', text: message }], onBusy },
  }
  const started = { type: 'session.started', data: world.scenario.born } as const
  return head.n === 0 ? appended(firstFrame(started, said, declared(world))) : placeMessage(head, said)
}

function declared({ scenario: { servers } }: World): readonly SessionEvent[] {
  if (!servers) return []
  const named = servers.map(({ server }) => ({ server }))
  return [{ type: 'toolset.declared', data: { servers: named, principal: 'ann', wait: 1000 } }]
}

/** The event is in the protocol, though no service writes it yet: the one that nobody is woken for, so only its status can be wrong. */
function rename(world: World, { status }: Head): RequestOutcome {
  if (status === 'ended') return { kind: 'refused', code: 'session_ended', status }
  // Known-wrong: it copies the status of the head that it read last time.
  const shown: Status = world.rules.statusWithoutFold ? world.remembered : status
  return appended({ events: [{ type: 'session.renamed', data: { title: 'title' } }], to: toLog, status: shown })
}

const appended = (decision: Decision): RequestOutcome => ({ kind: 'append', decision })

/** Memory takes a timer that has fired. `keeps`: it dies before it acks, and the timer comes again. */
export function fire(world: World, timer: string, keeps: boolean): void {
  const [session = '', id = ''] = timer.split(' ')
  const { head } = world.read(session)
  const decision = fireTimer(head, id, head.pool)
  if (decision) world.send({ ...decision, session, head, by: 'memory', role: 'm' }, null)
  if (keeps) return
  const tim = new Set(world.tim)
  tim.delete(timer)
  world.tim = tim
}
