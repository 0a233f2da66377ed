// Forks: a session that goes on behind a frame of another one. It reads that one's frames up to there as its own beginning, and then says
// session.forked: from there on it is a session of its own.
//   FK1. What was open there is not the fork's: it ends here, the outcome of a call that may have run is unknown, and nothing of it runs
//        again. The session that it was forked from goes on with it, and nothing of either reaches the other.
//   FK2. The conversation, and what the definition declares, is the fork's. What a person has let pass is not: no approval, no grant, no
//        authorised server.
//   FK3. The fork belongs to whoever forked it, under nobody: it works for them, and what it uses is counted from here on.
//   FK4. Each field of a session says below what becomes of it. A field that is new does not compile until it does.
import { type EventData, type EventOf, type ModelMessage, noUsage } from '@reins/contracts'
import type { Coming } from '../configured/coming.ts'
import type { Call, CallState, Session } from '../session.ts'
import type { Meanings, Origin } from '../slice.ts'
import { closedResults } from '../tool-call/tool-call.ts'

export const forkEvents: Meanings<'session.forked'> = {
  'session.forked': { effective: true, evolve: forked },
}

type Field<K extends keyof Session> = (
  session: Session,
  fork: EventData<'session.forked'>,
  origin: Origin,
) => Session[K] | undefined

const kept =
  <K extends keyof Session>(name: K): Field<K> =>
  (session) =>
    session[name]
const gone: Field<never> = () => undefined

/** FK4. */
const fields: { readonly [K in keyof Session]-?: Field<K> } = {
  id: kept('id'),
  beyond: kept('beyond'),
  born: ({ born }, { principal }, { at }) => born && { ...born, parent: null, principal, at },
  title: ({ title }, fork) => fork.title ?? title,
  transcript: ({ transcript, ...session }) => transcript.append(...resultsAt({ ...session, transcript })),
  lastText: () => '',
  // FK1.
  mode: () => ({ kind: 'open' }),
  inbox: () => [],
  turn: () => null,
  cancel: () => null,
  timers: () => [],
  settled: () => null,
  stopped: gone,
  metered: gone,
  context: ({ context }) => context && { ...context, open: null, asked: null },
  sent: kept('sent'),
  // Whoever made them goes on with them.
  team: ({ team }) => team && { ...team, children: {} },
  run: gone,
  // FK2.
  approvals: kept('approvals'),
  grants: gone,
  authorised: gone,
  code: kept('code'),
  coming: ({ coming }, { principal }) => coming && comingOf(coming, principal),
  output: kept('output'),
  planning: kept('planning'),
  skills: kept('skills'),
  workspace: kept('workspace'),
  // What a frame holds never changes: the fork has the files as they were, and writes its own.
  files: kept('files'),
  told: kept('told'),
  permitted: gone,
  // FK3.
  servers: ({ servers }, { principal }) => servers && { ...servers, principal, asking: { kind: 'unasked' } },
  memory: ({ memory }, { principal }) => memory && (memory.principal === undefined ? memory : { ...memory, principal }),
  turns: () => 0,
  usage: () => noUsage,
  usd: gone,
  budget: ({ budget }) => budget && { limits: budget.limits, spent: { tokens: 0, usd: 0, toolCalls: 0, wallTime: 0 } },
  onPause: gone,
  continued: gone,
  prompted: gone,
  unpaused: gone,
  stillFor: gone,
  unborn: gone,
  erased: gone,
}

function forked(session: Session, { data }: EventOf<'session.forked'>, origin: Origin): Session {
  // It is the first frame of its own session, and stands behind the one that it names.
  if (!session.born || origin.n !== data.n + 1 || (origin.prev ?? 0) !== 0) return session
  const entries = Object.entries(fields).flatMap(([name, field]) => {
    const value = (field as Field<keyof Session>)(session, data, origin)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries) as unknown as Session
}

function comingOf(coming: Coming, principal: string): Coming {
  const declared = coming.declared.map((event) =>
    (event.type === 'toolset.declared' || event.type === 'memory.declared') && event.data.principal !== undefined
      ? ({ ...event, data: { ...event.data, principal } } as typeof event)
      : event,
  )
  return { ...coming, declared }
}

/** S3: each call of the answer that was open gets a result, so that the next request to a model is valid. */
function resultsAt(session: Session): readonly ModelMessage[] {
  const { turn } = session
  if (!turn || turn.asked) return []
  return closedResults(session, turn.calls.map(closed))
}

const closed = (call: Call): Call =>
  call.state.kind === 'done'
    ? call
    : { ...call, state: { kind: 'done', error: true, output: forkedOutput(call.state), how: 'unknown' } }

function forkedOutput(state: Exclude<CallState, { kind: 'done' }>): string {
  switch (state.kind) {
    case 'due':
      return state.resume && !state.resume.nothingRan ? unknownOutput : notRunOutput
    case 'waiting':
      return `${notRunOutput} It waited for a person.`
    case 'eliciting':
      return state.nothingRan ? `${notRunOutput} Its server had asked a person something.` : unknownOutput
    case 'requested':
    case 'claimed':
      return unknownOutput
    case 'delegated':
      return 'The outcome is unknown (forked): the conversation was forked while another agent worked on this. What that agent answers does not come here, and it cannot be gone on with. Ask anew where the answer is still needed.'
    default:
      return state satisfies never
  }
}

const notRunOutput = 'Not run (forked): the conversation was forked before this call was run.'
const unknownOutput =
  'The outcome is unknown (forked): the conversation was forked while this call was running. It may have taken effect. It is not run again; look at what is there before you repeat it.'
