// A session as lists and people see it, folded from its frames. One fold, for the gateway (no index, no database) and for the index.
// Pure and total: no frame can make an info that a database does not take.
//   N1. A frame that is accounted for already (by its sequence, and by n) changes nothing.
//   N2. The status is the last frame's header; after a faulty frame it is `quarantined` until the session is released.
//   N3. What a role may not say is not counted (ARCHITECTURE I11).
import {
  addUsd,
  type EventData,
  type EventOf,
  everyEvent,
  type Frame,
  maySay,
  noUsage,
  questionOfTimer,
  runMessage,
  runPosition,
  type SessionEvent,
  type SessionInfo,
  type SessionWork,
  type Status,
  type Usage,
  workspaceServer,
} from '@reins/contracts'
import { archivedIn } from '../lifecycle/archival.ts'
import { erasedBy, erasedIn } from '../lifecycle/erasure.ts'

export interface InfoFold {
  readonly parent: string | null
  /** null: it was never started (a cancel for a child that did not exist yet). */
  readonly agent: string | null
  readonly digest: string | null
  readonly model: string | null
  readonly instance: string | null
  readonly status: Status
  /** N2 */
  readonly faulted: boolean
  /** Its last frame says that those before it lie in the archive: nothing has happened since. */
  readonly archived: boolean
  /** Who ordered that it is erased, when, and whether it is done; null: it was not. */
  readonly erased: NonNullable<SessionInfo['erased']> | null
  readonly title: string | null
  /** Calls that wait for a person, in the order in which they were asked for. */
  readonly waiting: NonNullable<SessionInfo['waiting']>
  /** MCP servers, as their latest answer was; absent: the session has none, or nobody was asked. Lists leave it out. */
  readonly servers?: NonNullable<SessionInfo['servers']>
  /** Absent: there is none. Lists leave it out. */
  readonly plan?: NonNullable<SessionInfo['plan']>['steps']
  /** What it works on, and how its latest turn ended. Lists leave it out. */
  readonly work: SessionWork
  /** Turns that have begun. */
  readonly turns: number
  /** Of all model calls and summaries that have answered. */
  readonly usage: Usage
  /** US dollars, as far as prices were known. */
  readonly usd: number
  /** Who started it; null: its start does not say so. */
  readonly principal: string | null
  /** null: it is no fork. What is counted is counted from there on. */
  readonly forked: { readonly session: string; readonly frame: number } | null
  /** The turn that is open; null: none. */
  readonly turn: string | null
  /** epoch ms; 0: no frame has said when */
  readonly createdAt: number
  readonly lastActivityAt: number
  /** The last event that is accounted for. */
  readonly last: { readonly seq: number; readonly n: number; readonly i: number }
}

export const emptyInfo: InfoFold = {
  parent: null,
  agent: null,
  digest: null,
  model: null,
  instance: null,
  status: 'idle',
  faulted: false,
  archived: false,
  erased: null,
  title: null,
  waiting: [],
  work: { worked: 0, doing: [] },
  turns: 0,
  usage: noUsage,
  usd: 0,
  principal: null,
  forked: null,
  turn: null,
  createdAt: 0,
  lastActivityAt: 0,
  last: { seq: 0, n: 0, i: -1 },
}

const titleLength = 80

/** `storedAt`: the broker's time of the frame, where it is known, for frames that say none. */
export function foldInfo(fold: InfoFold, frame: Frame, storedAt = 0): InfoFold {
  if (frame.seq <= fold.last.seq || (frame.fault === undefined && frame.n <= fold.last.n)) return fold // N1
  const at = whole(frame.at) || storedAt
  const events = everyEvent(frame)
  const order = erasedIn(frame)
  const before = order ? erasedInfo(fold, frame, order) : fold
  let next: InfoFold = {
    ...before,
    faulted: before.faulted || frame.fault !== undefined,
    createdAt: before.createdAt || at,
    archived: archivedIn(frame) !== undefined,
    lastActivityAt: archivedIn(frame) ? before.lastActivityAt : Math.max(before.lastActivityAt, at),
    last: { seq: frame.seq, n: Math.max(fold.last.n, whole(frame.n)), i: events.length - 1 },
  }
  for (const event of events)
    if (event.type !== '?' && maySay(frame.role, event.type)) {
      next = foldEvent(next, event, at) // N3
      const work = foldWork(next.work, event, at)
      if (work !== next.work) next = { ...next, work }
    }
  return { ...next, status: next.faulted ? 'quarantined' : frame.status } // N2
}

/** As the API shows it. */
export const infoOf = (id: string, fold: InfoFold): SessionInfo => ({
  id,
  agent: fold.agent ?? '',
  digest: fold.digest ?? '',
  status: fold.status,
  ...(fold.title === null ? {} : { title: fold.title }),
  ...(fold.instance === null ? {} : { instance: fold.instance }),
  ...(fold.parent === null ? {} : { parent: fold.parent }),
  ...(fold.model === null ? {} : { model: fold.model }),
  ...(fold.waiting.length === 0 ? {} : { waiting: fold.waiting }),
  ...(fold.servers === undefined ? {} : { servers: fold.servers }),
  ...(fold.plan === undefined ? {} : { plan: { steps: fold.plan } }),
  turns: fold.turns,
  usage: fold.usage,
  ...(fold.usd === 0 ? {} : { usd: fold.usd }),
  ...(fold.principal === null ? {} : { principal: fold.principal }),
  ...(fold.forked === null ? {} : { forkedFrom: fold.forked }),
  ...(fold.erased === null ? {} : { erased: fold.erased }),
  createdAt: fold.createdAt,
  lastActivityAt: fold.lastActivityAt,
})

/** The same whatever is known of the session: nothing of what was said in it, and nothing that is counted. */
function erasedInfo({ last }: InfoFold, frame: Frame, order: EventData<'session.erased'>): InfoFold {
  const { agent, principal, parent, began } = order
  const { by, at } = erasedBy(order, frame)
  return {
    ...emptyInfo,
    agent: agent === undefined ? null : text(agent),
    principal: principal === undefined ? null : text(principal),
    parent: parent === undefined ? null : text(parent),
    erased: { by: text(by), at: whole(at), completed: false },
    createdAt: whole(began ?? 0),
    last,
  }
}

function foldEvent(info: InfoFold, event: SessionEvent, at: number): InfoFold {
  switch (event.type) {
    case 'session.started':
      return info.agent === null ? started(info, event) : info
    case 'session.forked':
      return forked(info, event, at)
    case 'session.upgraded':
    case 'prompt.configured':
    case 'agent.configured': {
      const { pinned } = event.data
      return pinned ? { ...info, digest: text(pinned.digest), model: text(pinned.model) } : info
    }
    case 'session.erasure-completed':
      return info.erased ? { ...info, erased: { ...info.erased, completed: true } } : info
    case 'session.renamed':
      return { ...info, title: text(event.data.title) }
    case 'session.released':
      return { ...info, faulted: false }
    case 'message.received':
      return info.title === null ? { ...info, title: titleOf(event) } : info
    case 'toolset.resolved':
      return {
        ...info,
        servers: event.data.servers
          .filter(({ server }) => server !== workspaceServer)
          .map((answer) => ({
            server: answer.server,
            status: answer.status,
            ...(answer.status === 'unavailable' ? { reason: answer.reason } : {}),
          })),
      }
    case 'plan.updated':
      return { ...info, plan: event.data.steps }
    case 'turn.started':
      return { ...info, turns: info.turns + 1, turn: text(event.data.turn) }
    case 'turn.completed':
    case 'turn.failed':
      return { ...info, turn: null }
    case 'model-call.completed':
      return costing({ ...info, usage: sum(info.usage, event.data.usage) }, event.data.usd)
    case 'context.compacted': {
      const { usage, usd } = event.data
      return usage ? costing({ ...info, usage: sum(info.usage, usage) }, usd) : info
    }
    case 'approval.requested':
      return { ...info, waiting: [...info.waiting, waitingOf(event, at)].slice(-maxWaiting) }
    case 'elicitation.requested':
      return { ...info, waiting: [...without(info, event.data.call).waiting, askedOf(event, at)].slice(-maxWaiting) }
    case 'run.paused': {
      const { position, output, expiresAt } = event.data
      if (output.type !== 'elicitation') return info
      const asked = {
        for: 'elicitation' as const,
        call: runMessage(position),
        name: text(output.server_name),
        since: at,
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }
      return { ...info, waiting: [...info.waiting, asked].slice(-maxWaiting) }
    }
    case 'elicitation.answered':
      return runPosition(event.data.call) !== undefined ? without(info, event.data.call) : info
    case 'run.withdrawn':
      return without(info, runMessage(event.data.position))
    case 'timer.fired': {
      const position = questionOfTimer(event.data.timer)
      return position === undefined ? info : without(info, runMessage(position))
    }
    case 'approval.decided':
      // One of several who have to approve leaves it waiting: what ends it says so.
      return event.data.verdict === 'denied' ? without(info, event.data.call) : info
    case 'tool-calls.requested':
      return event.data.calls.reduce((state, { call }) => without(state, call), info)
    case 'approval.granted':
    case 'approval.expired':
    case 'approval.withdrawn':
    case 'elicitation.remembered':
    case 'elicitation.expired':
    case 'elicitation.withdrawn':
    case 'tool-call.completed':
    case 'tool-call.outcome-unknown':
    case 'delegation.requested':
      return without(info, event.data.call)
    case 'turn.cancelled':
      return { ...info, turn: null, waiting: info.waiting.filter(({ call }) => runPosition(call) !== undefined) }
    case 'session.ended':
      return { ...info, turn: null, waiting: [] }
    default:
      return info
  }
}

const maxDoing = 64
const maxWhyChars = 300

function foldWork(work: SessionWork, event: SessionEvent, at: number): SessionWork {
  const doing = (call: string, name: string, child?: string): SessionWork => ({
    ...work,
    doing: [
      ...work.doing.filter((one) => one.call !== text(call)),
      { call: text(call), name: text(name), since: at, ...(child === undefined ? {} : { child: text(child) }) },
    ].slice(-maxDoing),
  })
  const done = (call: string): SessionWork =>
    work.doing.some((one) => one.call === text(call))
      ? { ...work, doing: work.doing.filter((one) => one.call !== text(call)) }
      : work
  switch (event.type) {
    case 'session.started':
      return event.data.parent ? { ...work, call: text(event.data.parent.call) } : work
    case 'message.received':
      return unbegun(work, 1)
    case 'message.joined':
    case 'message.dropped':
      return unbegun(work, -1)
    case 'turn.started': {
      const { outcome: _, why: __, ...rest } = unbegun(work, -event.data.messages.length)
      return { ...rest, since: at, doing: [] }
    }
    case 'turn.completed':
      return ended(work, at, 'completed')
    case 'turn.failed':
      return { ...ended(work, at, 'failed'), why: text(event.data.error.message.slice(0, maxWhyChars)) }
    case 'turn.cancelled':
      return ended(work, at, 'cancelled')
    case 'session.ended':
      return { ...unbegun(work, Number.NEGATIVE_INFINITY), doing: [] }
    case 'tool-calls.requested': {
      const asked = event.data.calls.map(({ call, name }) => ({ call: text(call), name: text(name), since: at }))
      const others = work.doing.filter(({ call }) => !asked.some((one) => one.call === call))
      return { ...work, doing: [...others, ...asked].slice(-maxDoing) }
    }
    case 'delegation.requested':
    case 'delegation.resumed':
      return doing(event.data.call, event.data.agent, event.data.child)
    case 'tool-call.completed':
    case 'tool-call.cancelled':
    case 'tool-call.outcome-unknown':
    case 'delegation.settled':
    case 'delegation.paused':
      return done(event.data.call)
    default:
      return work
  }
}

function unbegun(work: SessionWork, change: number): SessionWork {
  const { unbegun: before = 0, ...rest } = work
  const after = before + change
  return after > 0 ? { ...rest, unbegun: after } : rest
}

function ended(work: SessionWork, at: number, outcome: NonNullable<SessionWork['outcome']>): SessionWork {
  const { since, why: _, ...rest } = work
  return { ...rest, worked: plus(work.worked, since === undefined ? 0 : Math.max(0, at - since)), outcome, doing: [] }
}
const costing = (info: InfoFold, usd: number | undefined): InfoFold =>
  usd === undefined ? info : { ...info, usd: addUsd(info.usd, usd) }

/** More than anybody looks at. */
const maxWaiting = 100

const waitingOf = ({ data }: EventOf<'approval.requested'>, at: number): InfoFold['waiting'][number] => ({
  ...{ for: 'approval', call: text(data.call), name: text(data.name), since: at },
  ...(data.expiresAt === undefined ? {} : { expiresAt: data.expiresAt }),
})

const askedOf = ({ data }: EventOf<'elicitation.requested'>, at: number): InfoFold['waiting'][number] => ({
  ...{ for: 'elicitation', call: text(data.call), name: text(data.server), since: at, expiresAt: data.expiresAt },
})

const without = (info: InfoFold, call: string): InfoFold =>
  info.waiting.some((one) => one.call === call)
    ? { ...info, waiting: info.waiting.filter((one) => one.call !== call) }
    : info

function started(info: InfoFold, { data }: EventOf<'session.started'>): InfoFold {
  return {
    ...info,
    agent: text(data.agent),
    digest: text(data.digest),
    model: text(data.model),
    principal: data.principal === undefined ? null : text(data.principal),
    instance: data.instance ? text(data.instance.instance) : null,
    parent: data.parent ? text(data.parent.session) : null,
    title: data.title === undefined ? info.title : text(data.title),
  }
}

/** The same whether what was before it is known or not: whoever follows a stream sees the fork alone. */
function forked({ last, servers, plan }: InfoFold, { data }: EventOf<'session.forked'>, at: number): InfoFold {
  return {
    ...emptyInfo,
    agent: text(data.agent),
    digest: text(data.digest),
    model: text(data.model),
    principal: text(data.principal),
    title: data.title === undefined ? null : text(data.title),
    forked: { session: text(data.from), frame: whole(data.n) },
    // What lists leave out.
    ...(servers === undefined ? {} : { servers }),
    ...(plan === undefined ? {} : { plan }),
    createdAt: at,
    lastActivityAt: at,
    last,
  }
}

/** The first characters of a message on one line; null where it has none. */
function titleOf({ data }: EventOf<'message.received'>): string | null {
  const start = data.content.map((part) => part.text.slice(0, 1000)).join(' ')
  const line = [...text(start).replaceAll(/\s+/g, ' ').trim()]
  if (line.length === 0) return null
  return line.length > titleLength
    ? `${line
        .slice(0, titleLength - 1)
        .join('')
        .trimEnd()}…`
    : line.join('')
}

// Postgres takes no NUL and no half characters in a text, and 64 bits in a number.
const text = (value: string): string => value.replaceAll('\0', '').toWellFormed()
const whole = (value: number): number => (Number.isSafeInteger(value) && value > 0 ? value : 0)
const plus = (a: number, b: number): number => Math.min(a + whole(b), Number.MAX_SAFE_INTEGER)
const sum = (a: Usage, b: Usage): Usage => ({
  inputTokens: plus(a.inputTokens, b.inputTokens),
  outputTokens: plus(a.outputTokens, b.outputTokens),
  cacheReadTokens: plus(a.cacheReadTokens, b.cacheReadTokens),
  cacheWriteTokens: plus(a.cacheWriteTokens, b.cacheWriteTokens),
  reasoningTokens: plus(a.reasoningTokens, b.reasoningTokens),
})
