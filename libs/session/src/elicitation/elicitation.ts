// Elicitation: a call whose server asks a person something, and what becomes of it.
//   EL1. A call that waits for a person is asked of no runner. It is covered by people and by its timer; no trigger and no slot is held.
//   EL2. It waits for one elicitation at a time. An answer names it, and counts once; what names another changes nothing.
//   EL3. The answer reaches the runners as a request for the call, which belongs to the attempt that asked: where that attempt lives,
//        it goes on; where it is lost, the call is repeated or ends as any lost call does, and is always repeated if nothing ran.
//   EL4. Declined, cancelled, expired, withdrawn: each is told apart, in the log and to the model.
//   EL5. A page that has to be opened first is opened once for a server and session: later calls are repeated without asking, once each.
//   EL6. A call may end by itself while it waits: its attempt's outcome counts, and nobody is waited for any more.
import { type EventOf, type SessionEvent, toLog } from '@reins/contracts'
import type { Call, CallState, Elicited, Eliciting, Session } from '../session.ts'
import type { CallStateKinds, DueRule, Meanings, Origin, RouteRule, TimerRule } from '../slice.ts'
import { changeCall } from '../tool-call/tool-call.ts'
import { notRunText } from './words.ts'

export const elicitationEvents: Meanings<
  | 'elicitation.requested'
  | 'elicitation.answered'
  | 'elicitation.completed'
  | 'elicitation.remembered'
  | 'elicitation.expired'
  | 'elicitation.withdrawn'
> = {
  'elicitation.requested': { evolve: requested },
  'elicitation.answered': { effective: true, evolve: answered },
  // Its writer has not folded the session.
  'elicitation.completed': {
    evolve: (session, { data }) =>
      changeEliciting(session, data, (call, state) =>
        state.accepted === undefined
          ? { ...call, state: { ...state, completed: true } }
          : closed(call, state, { action: 'accept', person: state.accepted }),
      ),
  },
  'elicitation.remembered': {
    effective: true,
    evolve: (session, { data }) =>
      changeEliciting(session, data, (call, state) => closed(call, state, { action: 'accept', remembered: true })),
  },
  'elicitation.expired': {
    effective: true,
    evolve: (session, { data }) =>
      changeEliciting(session, data, (call, state) => closed(call, state, { action: 'cancel', expired: true })),
  },
  'elicitation.withdrawn': {
    effective: true,
    evolve: (session, { data }) =>
      changeEliciting(session, data, (call, state) => closed(call, state, { action: 'cancel' })),
  },
}

/** Of the attempt that runs, by whom it runs at: everything else comes from a runner that has lost the call. */
function requested(session: Session, { data }: EventOf<'elicitation.requested'>, { n, by }: Origin): Session {
  const { call, attempt, elicitation, server, mode, message, url, schema, nothingRan, key, timer, expiresAt } = data
  return changeCall(session, call, (old) => {
    if (!runsAt(old.state, attempt, by)) return old
    const state: Eliciting = {
      ...{ kind: 'eliciting', n, elicitation, attempt, by, server, mode, message, key, timer, expiresAt },
      ...{ nothingRan: nothingRan === true },
      ...(url === undefined ? {} : { url }),
      ...(schema === undefined ? {} : { schema }),
    }
    return { ...old, state }
  })
}

const runsAt = (state: CallState, attempt: number, by: string): boolean =>
  (state.kind === 'requested' && attempt === 1) ||
  (state.kind === 'claimed' && state.attempt === attempt && state.by === by)

/** EL2. */
function answered(session: Session, { data }: EventOf<'elicitation.answered'>, { by }: Origin): Session {
  const { action, content, completed, person } = data
  if (person !== by) return session
  return changeEliciting(session, data, (call, state) => {
    if (state.lapsed) return call
    if (action !== 'accept') return closed(call, state, { action, person })
    if (opensPage(state) && !completed && !state.completed && state.accepted === undefined)
      return { ...call, state: { ...state, accepted: person } }
    return closed(call, state, { action, person, ...(content ? { content } : {}) })
  })
}

function changeEliciting(
  session: Session,
  { call, elicitation }: { readonly call: string; readonly elicitation: string },
  change: (call: Call, state: Eliciting) => Call,
): Session {
  let authorised: string | undefined
  const after = changeCall(session, call, (old) => {
    if (old.state.kind !== 'eliciting' || old.state.elicitation !== elicitation) return old
    const next = change(old, old.state)
    const last = next.elicited?.at(-1)
    if (next.state.kind === 'due' && last?.action === 'accept' && opensPage(old.state)) authorised = last.server
    return next
  })
  const { authorised: known = [] } = after
  return authorised === undefined || known.includes(authorised)
    ? after
    : { ...after, authorised: [...known, authorised] }
}

/** The server wants a page to be opened before anything runs. */
const opensPage = ({ mode, nothingRan }: Eliciting): boolean => mode === 'url' && nothingRan

/** EL3: it is to be asked for again, or to be answered. */
function closed(
  call: Call,
  { attempt, by, nothingRan, elicitation, key, server, message }: Eliciting,
  answer: Pick<Elicited, 'action' | 'content' | 'expired' | 'remembered' | 'person'>,
): Call {
  const elicited: Elicited = { elicitation, key, server, message, nothingRan, ...answer }
  return {
    ...call,
    state: { kind: 'due', resume: { attempt, by, nothingRan } },
    elicited: [...(call.elicited ?? []), elicited],
  }
}

/** EL3, EL4. Asked before all other routes: what has run already was looked at. */
export const elicitationRoute: RouteRule = ({ state, elicited }) => {
  if (state.kind !== 'due' || !state.resume) return null
  const last = elicited?.at(-1)
  if (!last || !state.resume.nothingRan || last.action === 'accept') return { kind: 'runners' }
  return {
    kind: 'settled',
    status: 'error',
    code: last.expired ? 'elicitation-expired' : last.action === 'decline' ? 'declined' : 'cancelled',
    output: notRunText(last),
  }
}

/** Of calls that wait: their time has passed, the server was authorised meanwhile, or the timer has to be armed. */
export const elicitationsDue: DueRule = (session) => {
  const events = (session.turn?.calls ?? []).flatMap(({ call, state, elicited = [] }): SessionEvent[] => {
    if (state.kind !== 'eliciting') return []
    const { elicitation, timer } = state
    if (state.lapsed) return [{ type: 'elicitation.expired', data: { call, elicitation } }]
    if (isRemembered(session, state, elicited)) return [{ type: 'elicitation.remembered', data: { call, elicitation } }]
    if (session.timers.some((open) => open.timer === timer)) return []
    return [{ type: 'timer.armed', data: { timer, at: state.expiresAt } }]
  })
  return events.length > 0 ? { events, to: toLog } : null
}

/** EL5: once for each call, so that a server that wants more than the page asks a person again. */
const isRemembered = ({ authorised = [] }: Session, state: Eliciting, elicited: readonly Elicited[]): boolean =>
  opensPage(state) &&
  authorised.includes(state.server) &&
  !elicited.some((one) => one.nothingRan && one.action === 'accept')

export const elicitationStates: CallStateKinds<'eliciting'> = {
  eliciting: {
    // EL1.
    cover: (call, { server, timer }) => [
      { kind: 'person', why: `${call} waits for an answer to ${server}` },
      { kind: 'timer', timer },
    ],
    cancelled: (call, { elicitation }) => [
      { type: 'elicitation.withdrawn', data: { call, elicitation } },
      { type: 'tool-call.cancelled', data: { call } },
    ],
  },
}

export const elicitationTimer: TimerRule = (session, timer) => {
  const call = session.turn?.calls.find(({ state }) => state.kind === 'eliciting' && state.timer === timer)
  return call
    ? changeCall(session, call.call, (old) =>
        old.state.kind === 'eliciting' ? { ...old, state: { ...old.state, lapsed: true } } : old,
      )
    : session
}
