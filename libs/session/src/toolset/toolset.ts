// The tools of servers: asked for before a turn's first model call, answered by a tool-runner or by a timer, pinned in the log
// (PROTOCOL 5). The invariants are those of servers.ts.
import type { EventOf, ServerAnswer, SessionEvent } from '@reins/contracts'
import { toLog, toTool } from '@reins/contracts'
import type { Session, Turn } from '../session.ts'
import type { CoverRule, Due, DueRule, Meanings, Origin, RouteRule, TimerRule } from '../slice.ts'
import { withFound } from '../workspace/workspace.ts'
import { type Server, type Servers, type ServerState, whyUnavailable, withServers } from './servers.ts'

export const toolsetEvents: Meanings<
  'toolset.declared' | 'toolset.requested' | 'toolset.resolved' | 'toolset.changed'
> = {
  'toolset.declared': { effective: true, evolve: declared },
  'toolset.requested': { effective: true, begins: true, evolve: requested },
  // Its writer may be a runner that was slow: what comes after the timer, or second, changes nothing.
  'toolset.resolved': { evolve: resolved },
  'toolset.changed': { evolve: changed },
}

function declared(session: Session, { data }: EventOf<'toolset.declared'>): Session {
  const { born } = session
  if (!born || session.servers) return session
  const all = data.servers.map(
    ({ server, optional }): Server => ({ server, optional: optional === true, state: { kind: 'unknown' } }),
  )
  const { principal, wait } = data
  return { ...session, servers: { all, principal, wait, asking: { kind: 'unasked' } } }
}

function requested(session: Session, { data }: EventOf<'toolset.requested'>, _origin: Origin): Session {
  const { servers, turn } = session
  if (!servers || !turn || !mayAsk(servers)) return session
  const { request, timer } = data
  return { ...session, servers: { ...servers, asking: { kind: 'asked', request, turn: turn.id, timer } } }
}

const mayAsk = ({ asking }: Servers): boolean => asking.kind === 'unasked' || asking.kind === 'answered'

function resolved(session: Session, event: EventOf<'toolset.resolved'>): Session {
  const { data } = event
  const { servers, born } = session
  if (!servers || !born) return session
  const { asking } = servers
  if ((asking.kind !== 'asked' && asking.kind !== 'overdue') || asking.request !== data.request) return session
  const all = servers.all.map((server) => {
    const answer = data.servers.find((one) => one.server === server.server)
    return answer ? { ...server, state: stateOf(server.state, answer) } : server
  })
  const answered = { ...servers, all, asking: { kind: 'answered', turn: asking.turn, stale: false } } as const
  // The timer fires for nothing now.
  const timers = asking.kind === 'asked' ? session.timers.filter(({ timer }) => timer !== asking.timer) : session.timers
  return withServers({ ...session, ...withFound(session, event), born, timers }, answered)
}

function stateOf(before: ServerState, answer: ServerAnswer): ServerState {
  if (answer.status === 'unavailable') return { kind: 'unavailable', reason: answer.reason }
  const { digest, tools, notes } = answer
  if (tools) return { kind: 'ready', digest, tools, notes: notes ?? [] }
  return before.kind === 'ready' && before.digest === digest
    ? before
    : { kind: 'unavailable', reason: 'its tools are not in the log of this session; send another message.' }
}

function changed(session: Session, { data }: EventOf<'toolset.changed'>): Session {
  const { servers } = session
  if (servers?.asking.kind !== 'answered' || servers.asking.stale) return session
  if (!servers.all.some(({ server }) => data.servers.includes(server))) return session
  return { ...session, servers: { ...servers, asking: { ...servers.asking, stale: true } } }
}

/** Asked between the calls of a turn and its next model call. */
export const toolsetDue: DueRule = (session, n, at) => {
  const { servers, turn, born } = session
  if (!servers || !born) return null
  switch (servers.asking.kind) {
    case 'asked':
      return turn ? 'rest' : null
    case 'overdue':
      return { events: [withoutAnswer(servers, servers.asking.request)], to: toLog }
    case 'unasked':
    case 'answered':
      return turn && asksAgain(servers, turn) ? request(session, servers, n, at) : null
    default:
      return servers.asking satisfies never
  }
}

/** Once a turn at most, and before its first model call: what a turn has begun with it keeps. */
function asksAgain({ all, asking }: Servers, turn: Turn): boolean {
  if (turn.modelCalls > 0) return false
  if (asking.kind !== 'answered') return true
  return asking.turn !== turn.id && (asking.stale || all.some(({ state }) => state.kind !== 'ready'))
}

/** The tools of servers are asked for, or are to be, before anything else of the turn. */
export const asksForTools = ({ servers, turn }: Session): boolean => {
  if (!servers || !turn) return false
  const { kind } = servers.asking
  return kind === 'asked' || kind === 'overdue' || asksAgain(servers, turn)
}

function request(session: Session, servers: Servers, n: number, at: number): Due {
  const { digest = '', pools } = session.born ?? {}
  const name = `s${n}`
  const timer = `toolset-${n}`
  const until = at + servers.wait
  const known = Object.fromEntries(
    servers.all.flatMap(({ server, state }) => (state.kind === 'ready' ? [[server, state.digest]] : [])),
  )
  const { principal } = servers
  return {
    events: [
      { type: 'toolset.requested', data: { request: name, digest, principal, known, timer, until } },
      { type: 'timer.armed', data: { timer, at: until } },
    ],
    to: toTool(pools?.tools ?? ''),
  }
}

/** V2. What was there before is used on; what was not is not available. */
function withoutAnswer(servers: Servers, name: string): SessionEvent {
  const seconds = Math.ceil(servers.wait / 1000)
  const reason = `no tool-runner had an answer of it within ${seconds} s. Reins asks again before the next turn.`
  const answers = servers.all.flatMap(({ server, state }): ServerAnswer[] =>
    state.kind === 'ready'
      ? [{ server, status: 'ready', digest: state.digest }]
      : [{ server, status: 'unavailable', reason }],
  )
  return { type: 'toolset.resolved', data: { request: name, servers: answers } }
}

export const toolsetTimer: TimerRule = (session, timer) => {
  const { servers } = session
  if (servers?.asking.kind !== 'asked' || servers.asking.timer !== timer) return session
  const { request, turn } = servers.asking
  return { ...session, servers: { ...servers, asking: { kind: 'overdue', request, turn } } }
}

/** The timer, and not the runner's trigger: a runner may die for good. */
export const toolsetCover: CoverRule = ({ servers, turn }) =>
  turn && servers?.asking.kind === 'asked' ? [{ kind: 'timer', timer: servers.asking.timer }] : null

/** A turn that waits for its tools has nothing else under way. */
export const waitsForTools = ({ servers, turn }: Session): boolean => turn !== null && servers?.asking.kind === 'asked'

/** A call of a tool whose server is not there is told so, and no list of other tools. */
export const unavailableToolRoute: RouteRule = ({ name }, _turn, { born, servers }) => {
  if (Object.hasOwn(born.tools, name)) return null
  const why = whyUnavailable(servers, name)
  return why === null ? null : { kind: 'settled', status: 'error', code: 'unavailable', output: `Not run. ${why}` }
}
