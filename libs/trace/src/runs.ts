// Runs: `invoke_workflow`, and a span for each operation that its code waits for. All that a run asks for is one trace.
import path from 'node:path'
import { runMessage, runPosition } from '@reins/contracts'
import type { Handlers, OpenCall, SessionSpans } from './session-spans.ts'
import { type Failure, OpenSpan } from './span.ts'

export const runHandlers: Handlers = {
  'run.declared': (spans, { file }, moment) => {
    if (spans.run) return
    const { traceId, parent } = spans.contextOfRun(moment)
    spans.run = { traceId, span: runSpan(spans, path.posix.basename(file), traceId, parent, moment.at), mail: [] }
  },
  'run.invoked': (spans, { workflow, project, schedule }, moment) => {
    const { run } = spans
    if (!run?.span) return
    const { traceId, parent } = spans.contextOfRun(moment)
    run.span = runSpan(spans, workflow, traceId, parent, moment.at)
    run.span.set({ 'reins.project': project, 'reins.schedule': schedule?.name })
  },
  'run.replay-ended': (spans, { attempt, how }, { at }) => {
    if (how === 'lost') spans.run?.span?.mark('run.replay-lost', at, { 'reins.attempt': attempt })
  },
  'run.step-started': (spans, { position, name, attempt }, { at, by }) => {
    const call = runMessage(position)
    const open = operation(spans, position, name, 'step', at)
    if (!open) return
    if (open.attempt && open.attempt.attempt < attempt) {
      const lost = new OpenSpan({
        ...{ session: spans.session, subject: 'attempt', which: [call, open.attempt.attempt] },
        ...{ traceId: open.span.traceId, parent: open.span.spanId, name: `attempt ${open.attempt.attempt}` },
        at: open.attempt.at,
        attributes: { ...spans.base(), 'reins.attempt': open.attempt.attempt, 'reins.instance': open.attempt.by },
      })
      spans.close(lost, at, { type: 'lost', message: 'The process that ran it is gone.' })
    }
    open.attempt = { attempt, at, by }
    open.span.set({ 'reins.attempt': attempt, 'reins.instance': by })
  },
  'run.step-ended': (spans, { position, status, error }, { at }) => {
    const failed: Failure | undefined =
      status === 'error'
        ? { type: error?.code ?? 'step-failed', ...(error ? { message: error.message } : {}) }
        : status === 'unknown'
          ? { type: 'outcome-unknown' }
          : undefined
    operationDone(spans, runMessage(position), at, status, failed)
  },
  'run.called': (spans, { position, name, message }, { at }) => {
    operation(spans, position, name, 'call', at)
    spans.inbox.set(message, { at, trace: undefined, content: undefined })
  },
  'run.prompted': (spans, { position, name, child }, { at }) => {
    const span = operation(spans, position, name, 'prompt', at)?.span
    span?.set({ 'reins.delegation.session': child })
    if (span) spans.belowBySpan.set(span.spanId, span.traceId)
  },
  'run.slept': (spans, { position, name, timer }, { at }) => {
    const open = operation(spans, position, name, 'sleep', at)
    if (open) open.timer = timer
  },
  'run.paused': (spans, { position, name }, { at }) => {
    operation(spans, position, name, 'pause', at)
  },
  'run.waited': (spans, { position, name, event }, { at }) => {
    const open = operation(spans, position, name, 'wait', at)
    const mail = spans.run?.mail ?? []
    if (!open) return
    open.event = event
    const there = event === undefined ? -1 : mail.indexOf(event)
    if (there < 0) return
    mail.splice(there, 1)
    operationDone(spans, runMessage(position), at, 'delivered')
  },
  'run.delivered': (spans, { event, position }, { at }) => {
    for (const [call, open] of spans.calls)
      if (
        open.kind === 'wait' &&
        open.event === event &&
        (event !== undefined || position === undefined || runPosition(call) === position)
      )
        return operationDone(spans, call, at, 'delivered')
    if (event !== undefined) spans.run?.mail.push(event)
  },
  'run.continued': (spans, { position }, { at }) => operationDone(spans, runMessage(position), at, 'delivered'),
  'run.resumed': (spans, { position }, { at }) => operationDone(spans, runMessage(position), at, 'resumed'),
  'run.withdrawn': (spans, { position }, { at }) => operationDone(spans, runMessage(position), at, 'withdrawn'),
  'timer.fired': (spans, { timer }, { at }) => {
    for (const [call, open] of spans.calls)
      if (open.timer === timer && open.kind === 'sleep') return operationDone(spans, call, at, 'fired')
  },
  'run.ended': (spans, { status, error }, { at }) => {
    const { run } = spans
    if (!run?.span) return
    spans.closeCalls(at, 'ended', ({ kind }) => kind !== undefined)
    run.span.set({ 'reins.outcome': status })
    const message = error === undefined ? {} : { message: error.message }
    spans.close(run.span, at, status === 'failed' ? { type: error?.code ?? 'run-failed', ...message } : undefined)
    run.span = undefined
  },
}

const runSpan = (spans: SessionSpans, name: string, traceId: string, parent: string | undefined, at: number) =>
  new OpenSpan({
    ...{ session: spans.session, subject: 'run', which: [], traceId, parent, at, name: `invoke_workflow ${name}` },
    attributes: { 'gen_ai.operation.name': 'invoke_workflow', 'gen_ai.workflow.name': name, ...spans.base() },
  })

/** Operations of a run are in its span, whatever turn is under way. */
function operation(
  spans: SessionSpans,
  position: number,
  name: string,
  kind: NonNullable<OpenCall['kind']>,
  at: number,
): OpenCall | undefined {
  const call = runMessage(position)
  const known = spans.calls.get(call)
  const run = spans.run?.span
  if (known || !run) return known
  const span = new OpenSpan({
    ...{ session: spans.session, subject: 'call', which: [call], traceId: run.traceId, parent: run.spanId, at },
    name: `${kind} ${name}`,
    attributes: { ...spans.base(), 'reins.run.operation': kind, 'reins.run.position': position },
  })
  const open: OpenCall = { span, kind }
  spans.calls.set(call, open)
  return open
}

export function operationDone(spans: SessionSpans, call: string, at: number, outcome: string, failed?: Failure): void {
  const open = spans.calls.get(call)
  if (open?.kind === undefined) return
  open.span.set({ 'reins.outcome': outcome })
  spans.closeCall(call, at, failed)
}
