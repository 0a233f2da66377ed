// Tool calls: `execute_tool`, from the request to the outcome, with the time in which it waits for people. An attempt that was lost with
// its process is a span of its own in it. A delegation is a call too: the child's turn is its child.
import { jsonOf } from './content.ts'
import type { Handlers, OpenCall, SessionSpans } from './session-spans.ts'
import { OpenSpan } from './span.ts'

export const callHandlers: Handlers = {
  'tool-calls.requested': (spans, { calls }, { at }) => {
    for (const { call, name, arguments: args, resume } of calls) {
      const open = openCall(spans, call, name, at)
      // Its attempt has ended with the question to a person: nothing was lost.
      if (open && resume?.nothingRan) delete open.attempt
      open?.span.set({ 'gen_ai.tool.call.arguments': jsonOf(args, spans.options.content) })
    }
  },
  'tool-call.started': (spans, { call, attempt }, { at, by }) => {
    const open = spans.calls.get(call)
    if (!open || attempt <= (open.attempt?.attempt ?? 0)) return
    lostAttempt(spans, call, open, at)
    open.attempt = { attempt, at, by }
    open.span.set({ 'reins.attempt': attempt, 'reins.instance': by })
  },
  'tool-call.completed': (spans, { call, status, code, output, duration }, { at, by }) => {
    const open = spans.calls.get(call)
    open?.span.set({
      'reins.instance': by,
      'reins.outcome': status,
      'reins.tool.duration_ms': duration,
      'gen_ai.tool.call.result': jsonOf(output, spans.options.content),
    })
    spans.closeCall(call, at, status === 'error' ? { type: code ?? 'tool-error' } : undefined)
  },
  'tool-call.cancelled': (spans, { call }, { at }) => {
    spans.calls.get(call)?.span.set({ 'reins.outcome': 'cancelled' })
    spans.closeCall(call, at)
  },
  'tool-call.outcome-unknown': (spans, { call, message }, { at }) => {
    const open = spans.calls.get(call)
    if (!open) return
    lostAttempt(spans, call, open, at)
    open.span.set({ 'reins.outcome': 'unknown' })
    spans.closeCall(call, at, { type: 'outcome-unknown', message })
  },
  'delegation.requested': (spans, { call, agent, child }, { at }) => delegated(spans, call, agent, child, at),
  'delegation.resumed': (spans, { call, agent, child }, { at }) => delegated(spans, call, agent, child, at),
  'delegation.settled': (spans, { call, status, code }, { at }) => {
    spans.calls.get(call)?.span.set({ 'reins.outcome': status })
    spans.closeCall(call, at, status === 'failed' ? { type: code ?? 'delegation-failed' } : undefined)
  },
  'delegation.paused': (spans, { call }, { at }) => {
    spans.calls.get(call)?.span.set({ 'reins.outcome': 'paused' })
    spans.closeCall(call, at)
  },
}

export function openCall(spans: SessionSpans, call: string, name: string, at: number): OpenCall | undefined {
  const known = spans.calls.get(call)
  const within = spans.within()
  if (known || !within) return known
  const server = spans.servers.get(name)
  const span = new OpenSpan({
    ...{ session: spans.session, subject: 'call', which: [call], ...within, at },
    name: `execute_tool ${name}`,
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      ...spans.base(),
      'gen_ai.tool.name': name,
      'gen_ai.tool.call.id': call,
      'gen_ai.tool.type': server === undefined ? 'function' : 'extension',
      'reins.tool.server': server,
    },
  })
  const open: OpenCall = { span }
  spans.calls.set(call, open)
  return open
}

function delegated(spans: SessionSpans, call: string, agent: string, child: string, at: number): void {
  const within = spans.within()
  if (!within || spans.calls.has(call)) return
  const name = spans.names.get(call) ?? 'delegate'
  const span = new OpenSpan({
    ...{ session: spans.session, subject: 'call', which: [call], ...within, at },
    name: `${name} ${agent}`,
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      ...spans.base(),
      'gen_ai.tool.name': name,
      'gen_ai.tool.call.id': call,
      'gen_ai.tool.type': 'function',
      'reins.delegation.agent': agent,
      'reins.delegation.session': child,
    },
  })
  const first = spans.below.get(child)
  if (first) span.links.push({ ...first, why: 'resume' })
  else spans.below.set(child, { traceId: span.traceId, spanId: span.spanId })
  spans.belowBySpan.set(span.spanId, span.traceId)
  spans.calls.set(call, { span })
}

function lostAttempt(spans: SessionSpans, call: string, open: OpenCall, at: number): void {
  const { attempt, span } = open
  if (!attempt) return
  delete open.attempt
  const lost = new OpenSpan({
    ...{ session: spans.session, subject: 'attempt', which: [call, attempt.attempt], traceId: span.traceId },
    ...{ parent: span.spanId, name: `attempt ${attempt.attempt}`, at: attempt.at },
    attributes: { ...spans.base(), 'reins.attempt': attempt.attempt, 'reins.instance': attempt.by },
  })
  spans.close(lost, at, { type: 'lost', message: 'The process that ran it is gone.' })
}
