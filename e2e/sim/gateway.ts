// The gateway and memory: they know a session by its head alone (PROTOCOL 2 and 4).
import { type Head, type SessionEvent, type Status, toExec, toLog } from '@reins/contracts'
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
  const status = head.status
  if (head.n > 0 && status === 'ended') {
    world.note(`the gateway refuses ${op.op}: the session has ended`)
    return
  }
  // Known-wrong: it copies the status of the head that it read last time.
  const copied: Status = world.rules.statusWithoutFold && op.op === 'rename' ? world.remembered : status
  write(world, session, head, op, copied)
  world.remembered = status
}

function write(world: World, session: string, head: Head, op: GatewayOp, status: Status): void {
  const pool = head.pool || world.scenario.born.pools.executor
  const send = (events: readonly SessionEvent[], wakes: boolean, shown = status) =>
    world.send(
      { session, head, by: 'gateway', role: 'g', events, to: wakes ? toExec(pool) : toLog, status: shown },
      null,
    )
  switch (op.op) {
    case 'message': {
      const { message, onBusy } = op
      const said: SessionEvent = {
        type: 'message.received',
        data: { message, content: [{ type: 'text', text: message }], onBusy },
      }
      const first: SessionEvent[] = head.n === 0 ? [{ type: 'session.started', data: world.scenario.born }] : []
      send([...first, said], head.status === 'idle' || onBusy === 'interrupt')
      return
    }
    case 'cancel':
      send([{ type: 'cancel.requested', data: { cancel: `x${head.n}`, ...(op.end ? { end: true } : {}) } }], true)
      return
    case 'pause':
      send([{ type: 'session.paused', data: {} }], false, 'paused')
      return
    case 'resume':
      send([{ type: 'session.resumed', data: {} }], true, 'idle')
      return
    case 'release':
      send([{ type: 'session.released', data: {} }], true, 'idle')
      return
    case 'rename':
      send([{ type: 'session.renamed', data: { title: 'title' } }], false)
      return
    default:
      op satisfies never
  }
}

/** Memory takes a timer that has fired. `keeps`: it dies before it acks, and the timer comes again. */
export function fire(world: World, timer: string, keeps: boolean): void {
  const [session = '', id = ''] = timer.split(' ')
  const { head } = world.read(session)
  const events: SessionEvent[] = [{ type: 'timer.fired', data: { timer: id } }]
  world.send({ session, head, by: 'memory', role: 'm', events, to: toExec(head.pool), status: head.status }, null)
  if (keeps) return
  const tim = new Set(world.tim)
  tim.delete(timer)
  world.tim = tim
}
