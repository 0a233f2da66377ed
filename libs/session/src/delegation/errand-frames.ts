// What an errand appends in the session that it is for, decided on that session's fold; null: there it is done. The frame is addressed to
// that session's executors: it is their trigger. That an errand is done is believed of the leader's log only: a lagging copy may not
// have what the errand is about.
import { type EventData, type Parent, type SessionEvent, type Stopped, toExec } from '@reins/contracts'
import { spentBy } from '../budget/budget.ts'
import { mostOfTree } from '../cancel/ran-calls.ts'
import type { Decision } from '../deciding/decision.ts'
import type { Fold } from '../folding/fold.ts'
import type { PinnedStart } from '../configured/agent-configured.ts'
import { handedOn } from '../permitted/permitted.ts'
import { deliveredTo } from '../run/handed-to-run.ts'
import { configuredForPrompt } from '../run/prompt-configured.ts'
import { openOf, type Prompt } from '../run/run-state.ts'
import type { Session } from '../session.ts'
import { traceOfCall } from '../turn/trace.ts'
import { firstMessage } from './delegation-result.ts'
import { type Errand, isClosed, pausedOn } from './errands.ts'
import { childOf, sessionsUsed } from './team.ts'
import { withoutTreePause } from './tree-pause.ts'

export type Creation = Extract<Errand, { kind: 'create-child' }>
export type Resumption = Extract<Errand, { kind: 'resume-child' }>

/** At expected 0 or not at all: a child that is there already, cancelled or not, is done (I2). `above`: the session that delegates. */
export function createChild(
  { head }: Fold,
  creation: Creation,
  started: EventData<'session.started'>,
  above: Session,
  declared: readonly SessionEvent[] = [],
): Decision | null {
  if (head.seq > 0) return null
  const pool = started.pools.executor
  // The code of a workflow has the words of the delegation as its payload.
  const runs = declared.some(({ type }) => type === 'run.invoked')
  const events: readonly SessionEvent[] = [
    { type: 'session.started', data: started },
    ...declared,
    ...(runs ? handedOn(above.turn) : [said(creation, 'queue'), ...handedOn(above.turn, `m-${creation.call}`)]),
  ]
  return { events, to: toExec(pool), status: 'idle', pool, trace: traceOfCall(above, creation.call) }
}

const said = (asked: Creation | Resumption, onBusy: 'queue' | 'join'): SessionEvent => ({
  type: 'message.received',
  data: { message: `m-${asked.call}`, content: [{ type: 'text', text: firstMessage(asked) }], onBusy },
})

/**
 * Says a prompt of a run to the session that is to answer it (WF2 of run/invoked.ts); null: it was said. `begun`: how the session starts,
 * where there is none; `anew`: what the definition of the prompt pins, where the run says that it may be another. One that has ended is told all
 * the same, so that it answers.
 */
export function promptChild(
  { head, session }: Fold,
  { position, prompt }: Extract<Errand, { kind: 'prompt-child' }>,
  above: Session,
  begun: { readonly started: EventData<'session.started'>; readonly declared: readonly SessionEvent[] } | null,
  anew: PinnedStart | null = null,
): Decision | null {
  if (head.seq === 0 && !begun) return null
  if (position <= (session.prompted ?? -1)) return null
  const { call, content, images, output, tool, granted } = prompt
  const message = `m-${call}`
  const pool = head.seq === 0 && begun ? begun.started.pools.executor : head.pool
  const asked: readonly SessionEvent[] =
    session.mode.kind === 'ended'
      ? []
      : [
          ...(head.seq === 0 ? [] : configuredForPrompt(session, prompt, anew)),
          { type: 'message.received', data: { message, content, onBusy: 'queue' } },
          ...(images ? [{ type: 'images.attached' as const, data: { message, images: [...images] } }] : []),
          ...(granted ? [{ type: 'budget.granted' as const, data: { message, limits: granted } }] : []),
          ...(output ? [{ type: 'output.requested' as const, data: { message, ...output } }] : []),
          ...(tool
            ? [{ type: 'tool.asked' as const, data: { message, name: tool.name, arguments: { ...tool.arguments } } }]
            : []),
          ...(above.permitted ? handedOn({ permitted: above.permitted }, message) : []),
        ]
  return {
    events: [
      ...(head.seq === 0 && begun
        ? [{ type: 'session.started' as const, data: begun.started }, ...begun.declared]
        : []),
      { type: 'delegation.prompted', data: { call, position } },
      ...asked,
    ],
    to: toExec(pool),
    status: head.seq === 0 ? 'idle' : head.status,
    pool,
    trace: traceOfCall(above, call),
  }
}

/** The prompt is not said any more, or its turn ends. null: neither is left to do, or a later prompt was said. */
export function cancelPrompt(
  fold: Fold,
  position: number,
  call: string,
  ...rest: [pool: string, cancel: string, parent?: Parent]
): Decision | null {
  const { head, session } = fold
  if (head.seq === 0) return cancelChild(fold, ...rest)
  const { prompted = -1 } = session
  if (prompted > position) return null
  if (prompted === position) return cancelChild(fold, ...rest)
  // It wakes the session: what was set aside for the prompt comes back.
  const events: readonly SessionEvent[] = [{ type: 'delegation.prompted', data: { call, position } }]
  return { events, to: toExec(head.pool), status: head.status }
}

/**
 * What is said is passed on where the child can go on with it: a session that a person has paused goes on, one that waits for a decision
 * of people waits on, and what is at its end has its answer already. Each of them wakes the child, so that it answers this call.
 */
export function resumeChild({ session, head }: Fold, resumption: Resumption, above: Session): Decision | null {
  const { call, instruction } = resumption
  if (head.seq === 0 || session.continued === call) return null
  const waits = pausedOn(withoutTreePause(session))
  const input = waits?.waits_for === 'input' && session.run ? deliveredTo(session.run, resumption) : null
  const goesOn = !isClosed(session) && (waits === null || waits.waits_for === 'resume')
  // What is paused with the whole tree goes on with it.
  const resumes = goesOn && session.mode.kind === 'paused' && session.mode.above === undefined
  const events: readonly SessionEvent[] = [
    { type: 'delegation.continued', data: { call } },
    ...(resumes ? [{ type: 'session.resumed' as const, data: {} }] : []),
    ...(input ? [input] : []),
    ...(goesOn && instruction.trim() !== '' && !session.run?.workflow
      ? [said(resumption, 'join'), ...handedOn(above.turn, `m-${resumption.call}`)]
      : []),
  ]
  return { events, to: toExec(head.pool), status: resumes ? 'idle' : head.status, trace: traceOfCall(above, call) }
}

/**
 * As the first frame of a child that nobody has made yet, it is that child's end. `pool`: whose executors the errand was addressed to.
 * `cancel`: the id of the cancel. `parent`: so that whoever ends it without a start knows whom to tell.
 */
export function cancelChild({ session, head }: Fold, pool: string, cancel: string, parent?: Parent): Decision | null {
  if (session.mode.kind === 'ended' || (session.cancel && !passing.has(session.cancel.kind))) return null
  if (head.seq > 0 && isClosed(session)) return null
  return {
    events: [{ type: 'cancel.requested', data: { cancel, ...(head.seq === 0 && parent ? { parent } : {}) } }],
    to: toExec(head.pool || pool),
    status: head.seq === 0 ? 'ended' : head.status,
    pool: head.pool || pool,
  }
}

/** They end the turn alone: what is queued goes on. */
const passing: ReadonlySet<string> = new Set(['interrupt', 'budget'])

/** `there`: the fold of the parent. */
export function settleParent({ session, head }: Fold, parent: Parent, child: Session): Decision | null {
  const settled = settlement(session, child)
  return settled && { events: [settled], to: toExec(parent.pool), status: head.status, trace: session.turn?.trace }
}

/**
 * What a child that is closed, or waits for people, has to say to its parent: null while it works, or where the parent does not wait
 * for it. `parent` and `child` are folded to their heads.
 */
export function settlement(parent: Session, child: Session): SessionEvent | null {
  const prompt = parent.run && openOf(parent.run, 'prompt').find(({ waits }) => waits.child === child.id)
  if (prompt) return promptEnd(parent, prompt.waits, child)
  const waiting = parent.turn?.calls.find(({ state }) => state.kind === 'delegated' && state.child === child.id)
  if (!waiting) return givenBack(parent, child)
  const { call } = waiting
  // DL2: it has not heard yet of a call that goes on with it; whatever it has to say is said when it has.
  const answers = child.continued ?? child.born?.parent?.call
  if (child.born && child.mode.kind !== 'ended' && answers !== call) return null
  const waits = pausedOn(child)
  if (waits) return { type: 'delegation.paused', data: { call, child: child.id, output: waits } }
  const end = endOf(child)
  if (!end) return null
  // Its parent may be about to close the call, under the same cancel; what is not told here is told later (givenBack).
  const stopped = end.status === 'cancelled' ? receiptOf(child) : null
  return {
    type: 'delegation.settled',
    data: { call, child: child.id, ...end, ...spentOf(parent, child), ...(stopped ? { stopped } : {}) },
  }
}

/** What a prompt comes to; null: the session below is not at its end, or has not heard of it. */
function promptEnd(parent: Session, { call }: Prompt, child: Session): SessionEvent | null {
  const data = { call, child: child.id }
  // It hears of nothing any more: what it has answered was another prompt.
  if (child.mode.kind === 'ended' && (child.unborn || !child.settled || child.continued !== call)) {
    const output = 'The session has ended, and answers no more.'
    const why = { status: 'failed' as const, output, code: 'session-ended' }
    return { type: 'delegation.settled', data: { ...data, ...why, ...spentOf(parent, child) } }
  }
  const end = child.continued === call ? endOf(child) : null
  if (!end) return null
  const { usage, code } = child.settled ?? {}
  const model = child.born?.model
  const stopped = end.status === 'cancelled' ? receiptOf(child) : null
  return {
    type: 'delegation.settled',
    data: {
      ...{ ...data, ...end, ...spentOf(parent, child) },
      ...(stopped ? { stopped } : {}),
      ...(usage ? { usage } : {}),
      ...(model === undefined ? {} : { model }),
      ...(code === undefined ? {} : { code }),
    },
  }
}

/** Its end, where it has come to one. */
function endOf(child: Session): Omit<EventData<'delegation.settled'>, 'call' | 'child'> | null {
  if (!isClosed(child) || !(child.born || child.mode.kind === 'ended')) return null
  const sessions = child.team ? { sessions: sessionsUsed(child.team) } : {}
  if (!child.settled) return { status: 'cancelled', output: 'It was cancelled before it began.', ...sessions }
  const { status, output } = child.settled
  const result = Object.hasOwn(child.settled, 'result') ? { result: child.settled.result } : {}
  return { status, output, ...result, ...sessions }
}

/**
 * The parent stopped to wait when its turn was cancelled. Now it learns that the child has come to its end, and all that was cancelled
 * with the child: the receipt. With it comes back what the child did not use of its sessions (TM1).
 */
function givenBack(parent: Session, child: Session): SessionEvent | null {
  const known = childOf(parent.team, child.id)
  const end = endOf(child)
  if (parent.mode.kind === 'ended' || known?.status !== 'cancelled' || known.stopped || !end) return null
  const stopped = receiptOf(child)
  const sessions = Math.min(end.sessions ?? 0, known.taken - 1)
  return (
    stopped && {
      type: 'delegation.settled',
      data: { call: known.call, child: child.id, ...end, sessions, stopped, ...spentOf(parent, child) },
    }
  )
}

/** null: something that was cancelled below it has not said so yet. */
export function receiptOf(session: Session): Stopped | null {
  const { stopped, settled } = session
  // An end of its own, that came before the cancel.
  const below = stopped && stopped.turn === settled?.turn ? stopped.below : []
  const receipts = below.flatMap((child) => childOf(session.team, child)?.stopped ?? [])
  if (receipts.length < below.length) return null
  const own = { session: session.id, agent: session.born?.agent ?? '-' }
  const ran = [
    ...(settled?.ran?.calls ?? []).map((call) => ({ ...own, ...call })),
    ...receipts.flatMap((one) => one.ran),
  ]
  const omitted =
    receipts.reduce((sum, one) => sum + (one.omitted ?? 0), settled?.ran?.omitted ?? 0) +
    Math.max(0, ran.length - mostOfTree)
  return {
    sessions: receipts.reduce((sum, one) => sum + one.sessions, 1),
    ran: ran.slice(0, mostOfTree),
    ...(omitted > 0 ? { omitted } : {}),
  }
}

/** Of the slice that the parent has set aside for it. */
const spentOf = (parent: Session, child: Session) =>
  childOf(parent.team, child.id)?.budget ? { spent: spentBy(child) } : {}
