// Runs of workflows: what their code asks of agents and of the world outside, beyond what a chat's code asks.
//   WF1. A prompt is answered by a session below, which is made for its first prompt. At most one prompt of such a session is open.
//   WF2. A session below takes prompts in the order of their positions, and each once: it knows the latest one.
//   WF3. What comes from outside before anybody waits for it is kept in its order, and each is taken once.
import { type EventData, runLimits, runMessage } from '@reins/contracts'
import { withAnsweredCancel } from '../cancel/answered-cancel.ts'
import { childOf, withChild } from '../delegation/team.ts'
import type { Session } from '../session.ts'
import type { Meanings } from '../slice.ts'
import { added, ended, opened, told } from './operations.ts'
import { openOf, type Operation, type OperationResult, type Placed, type Prompt, type Run } from './run-state.ts'

export type InvokedEvent =
  | 'run.invoked'
  | 'run.initialized'
  | 'run.prompted'
  | 'run.waited'
  | 'run.delivered'
  | 'run.continued'
  | 'delegation.prompted'

export const invokedEvents: Meanings<InvokedEvent> = {
  'run.invoked': {
    effective: true,
    evolve: (session, { data }) =>
      session.run && !session.run.workflow ? { ...session, run: { ...session.run, workflow: data } } : session,
  },
  'run.initialized': {
    effective: true,
    evolve: (session, { data: { name, agent, digest, pool, needsModel, ...data } }, { n }) =>
      added(session, data, (run) => {
        const needs = needsModel ? { needsModel } : {}
        const result: OperationResult = { kind: 'value', value: { agent, ...needs } }
        const done: Operation = { name, operation: 'init', n, state: 'done', order: run.done, result }
        return told({
          ...run,
          harnesses: { ...run.harnesses, [name]: { agent, digest, pool, ...needs } },
          operations: run.operations.append(done),
        })
      }),
  },
  'run.prompted': { effective: true, begins: true, evolve: (session, { data }, { n }) => prompted(session, data, n) },
  'run.waited': {
    effective: true,
    evolve: (session, { data }, { n }) => {
      const { event, output } = data
      const after = opened(
        session,
        data,
        'wait',
        { kind: 'wait', ...(event === undefined ? {} : { event }), ...(output === undefined ? {} : { output }) },
        n,
      )
      return after === session || event === undefined ? after : fromMail(after, data.position, event)
    },
  },
  'run.delivered': { evolve: (session, { data }) => delivered(session, data) },
  'run.continued': {
    effective: true,
    evolve: (session, { data }) =>
      ended(session, data.position, (waits) =>
        waits.kind === 'wait' && waits.event === undefined ? resultOf(data) : null,
      ),
  },
  'delegation.prompted': {
    evolve: (session, { data: { call, position } }) =>
      position > (session.prompted ?? -1)
        ? { ...session, prompted: position, continued: call, settled: null }
        : session,
  },
}

/** WF1. */
function prompted(session: Session, data: EventData<'run.prompted'>, n: number): Session {
  const { position, harness: name, child, content, output, levels, sessions } = data
  const { run, team } = session
  const harness = run?.harnesses?.[name]
  if (!harness || !team || childOf(team, child)?.status === 'open') return session
  const call = runMessage(position)
  const asked: Prompt = {
    ...{ kind: 'prompt', call, child, agent: harness.agent, digest: harness.digest, pool: harness.pool },
    ...{ content, levels, sessions },
    ...(output === undefined ? {} : { output }),
  }
  const after = opened(session, data, 'prompt', asked, n)
  if (after === session) return session
  return withChild(after, child, (old) => {
    // What it has said of an earlier cancel is nothing that it says of this prompt.
    const { stopped: _, ...known } = old ?? { taken: 1 + sessions }
    return { ...known, agent: harness.agent, call, pool: harness.pool, status: 'open' }
  })
}

/** WF3. */
function fromMail(session: Session, position: number, event: string): Session {
  const { mail = [] } = session.run ?? {}
  const at = mail.findIndex((one) => one.event === event)
  const found = mail[at]
  if (!found || !session.run) return session
  const after = ended(session, position, () => resultOf(found))
  return after.run ? { ...after, run: { ...after.run, mail: mail.toSpliced(at, 1) } } : after
}

function delivered(session: Session, data: EventData<'run.delivered'>): Session {
  const { run } = session
  if (!run || run.ended) return session
  const waiting = waitFor(session, data)
  if (waiting) return ended(session, waiting.position, () => resultOf(data))
  const { mail = [] } = run
  if (data.event === undefined || mail.length >= runLimits.deliveries) return session
  return { ...session, run: { ...run, mail: [...mail, { event: data.event, ...resultOf(data) }] } }
}

const resultOf = (data: object): { readonly kind: 'value'; readonly value?: unknown } => ({
  kind: 'value',
  ...('value' in data ? { value: data.value } : {}),
})

/** What in a run waits for this: the first that waits for the event, or the pause. */
export const waitFor = (
  { run }: Session,
  { event, position }: { readonly event?: string | undefined; readonly position?: number | undefined },
) =>
  run &&
  openOf(run, 'wait').find((one) =>
    event === undefined
      ? one.waits.event === undefined && (position === undefined || one.position === position)
      : one.waits.event === event,
  )

export const openPrompt = ({ run }: Session, call: string, child: string): Placed<Prompt> | undefined =>
  run && openOf(run, 'prompt').find(({ waits }) => waits.call === call && waits.child === child)

/** The first prompt whose session below is still to be asked to cancel. */
export const promptToStop = ({ run }: Session, until: number): Placed<Prompt> | undefined =>
  run && openOf(run, 'prompt').find(({ waits, n }) => n <= until && !waits.cancelSent)

export function promptCancelled(session: Session, { call, child }: EventData<'delegation.cancel-requested'>): Session {
  const open = openPrompt(session, call, child)
  const { run } = session
  const old = open && run?.operations.at(open.position)
  if (!open || !run || old?.state !== 'open') return session
  const waits: Prompt = { ...open.waits, cancelSent: true }
  return { ...session, run: { ...run, operations: run.operations.with(open.position, { ...old, waits }) } }
}

export function promptSettled(session: Session, data: EventData<'delegation.settled'>): Session {
  const open = openPrompt(session, data.call, data.child)
  if (!open) return session
  const after = ended(session, open.position, () => answerOf(data))
  if (after === session) return session
  return withChild(withAnsweredCancel(after), data.child, (old) => {
    if (!old) return old
    const { sessions, stopped } = data
    const taken = sessions === undefined ? old.taken : Math.min(1 + sessions, old.taken)
    return { ...old, status: data.status, taken, ...(stopped ? { stopped } : {}) }
  })
}

function answerOf({ status, output, result, usage, model, code }: EventData<'delegation.settled'>): OperationResult {
  if (status !== 'completed') return { kind: 'error', error: { code: code ?? status, message: output.slice(0, 4_000) } }
  const more = { ...(usage ? { usage } : {}), ...(model === undefined ? {} : { model }) }
  return { kind: 'value', value: { text: output, ...(result === undefined ? {} : { data: result }), ...more } }
}

/** What a run waits for from outside, as it is shown. */
export const openWaits = (run: Run) =>
  openOf(run, 'wait').map(({ position, name, waits: { event, output } }) => ({
    ...{ operation: position, name },
    ...(event === undefined ? {} : { event }),
    ...(output === undefined ? {} : { output }),
  }))
