// What is due about the calls of an answer: each goes its route (call-routes.ts), and the next model call waits for all of them.
import { type SessionEvent, toLog, toTool } from '@reins/contracts'
import { resumeOf } from '../elicitation/resume.ts'
import { type Born, type Call, type CallState, isOpen, type Session, type Turn } from '../session.ts'
import type { CallRoute, CallStateKind, CallStateKinds, CoverRule, Due, DueRule, RouteRule } from '../slice.ts'
import { inOrder, runsAlone } from './call-order.ts'
import { asksForTools } from '../toolset/toolset.ts'
import { replayOf } from './call-routes.ts'

interface Routed {
  readonly call: Call
  readonly route: CallRoute
}

export const callsDue =
  (routes: readonly RouteRule[]): DueRule =>
  (session, _n, at) => {
    const { turn, born } = session
    if (!turn || !born) return null
    // AT3.
    if (turn.asked && asksForTools(session)) return null
    const waiting = turn.calls.filter(({ state }) => state.kind === 'due')
    const next = waiting.length > 0 ? nextOf(routes, { ...session, born }, turn, waiting, at) : null
    if (next) return next
    return turn.calls.some(({ state }) => state.kind !== 'done') ? 'rest' : null
  }

/** What can be done about calls that nobody was asked for yet. null: they wait for a place. */
function nextOf(
  routes: readonly RouteRule[],
  session: Session & { readonly born: Born },
  turn: Turn,
  waiting: readonly Call[],
  at: number,
): Due | null {
  const routed = waiting.map((call) => ({ call, route: routeOf(routes, session, turn, call, at) }))
  const settled = settledTogether(routed).flatMap(settledBySession)
  if (settled.length > 0) return { events: settled, to: toLog }
  const recorded = routed.flatMap(({ route }) => (route.kind === 'recorded' ? route.events : []))
  if (recorded.length > 0) return { events: recorded, to: toLog }
  const next = withinFrame(withinRoom(session.born, turn, inTheirOrder(session.born, turn, routed)))
  if (next.length === 0) return null
  // What has a frame of its own comes first: none of it begins while a runner is at a batch.
  for (const { route } of next) if (route.kind === 'frame') return route.due
  const calls = next.map(({ call }) => ({
    call: call.call,
    name: call.name,
    arguments: { ...call.arguments },
    replay: replayOf(session.born, call.name),
    ...(call.approval
      ? { cleared: true as const }
      : looks(session.born, call.name) && !(call.state.kind === 'due' && call.state.resume)
        ? { looks: true as const }
        : {}),
    ...(call.approval?.kind === 'approved' ? { approved: true as const } : {}),
    ...(runsAlone(session.born, call.name) ? { alone: true } : {}),
    ...resumeOf(call),
  }))
  const whose = session.servers?.principal ?? session.memory?.principal ?? session.born.principal
  const principal = whose === undefined ? {} : { principal: whose }
  const files = session.files === undefined ? {} : { files: session.files }
  return {
    events: [
      {
        type: 'tool-calls.requested',
        data: { turn: turn.id, digest: session.born.digest, calls, ...principal, ...files },
      },
    ],
    to: toTool(session.born.pools.tools),
  }
}

const looks = ({ toolset }: Born, name: string): boolean => toolset?.find((tool) => tool.name === name)?.looks === true

function routeOf(
  routes: readonly RouteRule[],
  session: Session & { readonly born: Born },
  turn: Turn,
  call: Call,
  at: number,
): CallRoute {
  for (const rule of routes) {
    const route = rule(call, turn, session, at)
    if (route) return route
  }
  return { kind: 'runners' }
}

/** Up to the first that changes the session: what comes after it is asked again, of the session as it is then. */
function settledTogether(routed: readonly Routed[]): readonly Routed[] {
  const first = routed.findIndex(({ route }) => route.kind === 'settled' && route.events !== undefined)
  return first < 0 ? routed : routed.slice(0, first + 1)
}

function settledBySession({ call: { call }, route }: Routed): readonly SessionEvent[] {
  if (route.kind !== 'settled') return []
  const { status, output, code, events = [] } = route
  const data = { call, attempt: 1, status, output, ...(code === undefined ? {} : { code }) }
  return [...events, { type: 'tool-call.completed', data }]
}

/** Those that need wait for no call that is open elsewhere. */
function inTheirOrder(born: Born, { calls }: Turn, routed: readonly Routed[]): readonly Routed[] {
  const toRunners = routed.filter(({ route }) => route.kind === 'runners').map(({ call }) => call)
  const going = inOrder(born, calls, toRunners)
  return routed.filter(({ call, route }) => (route.kind === 'runners' ? going.includes(call) : route.kind !== 'waits'))
}

/** As many as may run at once. */
function withinRoom(born: Born, turn: Turn, waiting: readonly Routed[]): readonly Routed[] {
  const { maxConcurrentTools } = born.limits
  if (maxConcurrentTools === undefined) return waiting
  // A runner wakes the executor when it closes the last call that it was asked for, not at each: a limit is filled again batch by
  // batch. Were the next call due as soon as there is room, nobody would be woken for it.
  // But what comes back from a person while calls of its own batch wait behind it has its place still: they take none before it ends.
  if (turn.calls.some(({ state }) => state.kind === 'requested' || state.kind === 'claimed'))
    return waiting.filter(({ call }) => holdsBack(born, turn, call))
  const open = turn.calls.filter(({ state }) => isOpen(state)).length
  return waiting.slice(0, Math.max(maxConcurrentTools - open, 0))
}

/** Characters of the arguments of calls that one frame asks for: the broker takes no frame without a limit. People may edit arguments. */
const frameChars = 2_000_000

/** The first, and those behind it that fit its frame. The others are due as soon as their order lets them. */
function withinFrame(next: readonly Routed[]): readonly Routed[] {
  if (next.length < 2) return next
  let chars = 0
  const over = next.findIndex(({ call }, at) => {
    chars += JSON.stringify(call.arguments).length
    return at > 0 && chars > frameChars
  })
  return over < 0 ? next : next.slice(0, over)
}

/** Whether calls that a runner was asked for wait for this one. */
const holdsBack = (born: Born, { calls }: Turn, call: Call): boolean =>
  calls.slice(calls.indexOf(call) + 1).some(({ name, state }) => state.kind === 'requested' && isHeld(born, call, name))

const isHeld = (born: Born, before: Call, name: string): boolean =>
  runsAlone(born, name) || runsAlone(born, before.name)

export const callsCover =
  (states: CallStateKinds<CallState['kind']>): CoverRule =>
  ({ turn }) =>
    (turn?.calls ?? []).flatMap(({ call, state }) => {
      const kind: CallStateKind<CallState> = states[state.kind]
      return kind.cover(call, state)
    })
