// What a session waits for: people who approve a call or answer a server, and servers that say which tools they have.
import { runPosition } from '@reins/contracts'
import { openCall } from './calls.ts'
import { operationDone } from './runs.ts'
import type { Handlers, SessionSpans } from './session-spans.ts'
import { OpenSpan } from './span.ts'

export const waitHandlers: Handlers = {
  'approval.requested': (spans, { call, name, must, quorum, expiresAt }, { at }) => {
    const open = openCall(spans, call, name, at)
    if (!open || open.approval) return
    open.quorum = quorum ?? 1
    open.votes = 0
    open.approval = new OpenSpan({
      ...{ session: spans.session, subject: 'approval', which: [call], at },
      ...{ traceId: open.span.traceId, parent: open.span.spanId, name: `approval ${name}` },
      attributes: {
        ...spans.base(),
        'gen_ai.tool.name': name,
        'gen_ai.tool.call.id': call,
        'reins.approval.must': must,
        'reins.approval.quorum': open.quorum,
        'reins.approval.expires_ms': expiresAt === undefined ? undefined : Math.max(0, expiresAt - at),
      },
    })
  },
  'approval.decided': (spans, { call, verdict, scope }, { at }) => {
    const open = spans.calls.get(call)
    if (!open?.approval) return
    // Whoever edits the arguments approves them, and others decide about them anew.
    open.votes = verdict === 'edited' ? 1 : (open.votes ?? 0) + 1
    if (verdict !== 'denied' && open.votes < (open.quorum ?? 1))
      return open.approval.mark('approval.vote', at, { 'reins.approval.verdict': verdict })
    decided(spans, call, verdict, at, scope)
  },
  'approval.granted': (spans, { call }, { at }) => decided(spans, call, 'granted', at),
  'approval.expired': (spans, { call }, { at }) => decided(spans, call, 'expired', at),
  'approval.withdrawn': (spans, { call }, { at }) => decided(spans, call, 'withdrawn', at),
  'elicitation.requested': (spans, { call, elicitation, server, mode }, { at }) => {
    const open = spans.calls.get(call)
    if (!open || open.elicitation) return
    open.elicitation = new OpenSpan({
      ...{ session: spans.session, subject: 'elicitation', which: [call, elicitation], at },
      ...{ traceId: open.span.traceId, parent: open.span.spanId, name: `elicitation ${server}` },
      attributes: {
        ...spans.base(),
        'gen_ai.tool.call.id': call,
        'reins.tool.server': server,
        'reins.elicitation.mode': mode,
      },
    })
  },
  'elicitation.answered': (spans, { call, action, completed }, { at }) => {
    if (runPosition(call) !== undefined && spans.calls.get(call)?.kind === 'pause')
      return operationDone(spans, call, at, action)
    const wait = spans.calls.get(call)?.elicitation
    const opens = wait?.attributes['reins.elicitation.mode'] === 'url' && action === 'accept' && !completed
    // The page is open: the server says when the person is done with it.
    if (opens) return wait.mark('elicitation.accepted', at)
    answered(spans, call, action, at)
  },
  'elicitation.completed': (spans, { call }, { at }) => answered(spans, call, 'completed', at),
  'elicitation.remembered': (spans, { call }, { at }) => answered(spans, call, 'remembered', at),
  'elicitation.expired': (spans, { call }, { at }) => answered(spans, call, 'expired', at),
  'elicitation.withdrawn': (spans, { call }, { at }) => answered(spans, call, 'withdrawn', at),
  'toolset.requested': (spans, { request, known }, { at }) => {
    const within = spans.within()
    if (!within || spans.toolset) return
    spans.toolset = new OpenSpan({
      ...{ session: spans.session, subject: 'toolset', which: [request], ...within, at },
      name: 'tools/list',
      attributes: {
        ...spans.base(),
        'mcp.method.name': 'tools/list',
        'reins.toolset.known': Object.keys(known).length,
      },
    })
  },
  'toolset.resolved': (spans, { servers }, { at }) => {
    for (const answer of servers)
      if (answer.status === 'ready') for (const tool of answer.tools ?? []) spans.servers.set(tool.name, answer.server)
    const span = spans.toolset
    if (!span) return
    spans.toolset = undefined
    const away = servers.flatMap(({ server, status }) => (status === 'unavailable' ? [server] : []))
    for (const answer of servers)
      if (answer.status === 'unavailable')
        span.mark('server.unavailable', at, { 'reins.tool.server': answer.server, 'reins.reason': answer.reason })
    span.set({ 'reins.toolset.servers': servers.map(({ server }) => server) })
    spans.close(span, at, away.length === 0 ? undefined : { type: 'server-unavailable', message: away.join(', ') })
  },
}

function decided(spans: SessionSpans, call: string, verdict: string, at: number, scope?: string): void {
  const open = spans.calls.get(call)
  if (!open?.approval) return
  open.approval.set({ 'reins.outcome': verdict, 'reins.approval.scope': scope })
  spans.close(open.approval, at)
  delete open.approval
}

function answered(spans: SessionSpans, call: string, outcome: string, at: number): void {
  const open = spans.calls.get(call)
  if (!open?.elicitation) return
  open.elicitation.set({ 'reins.outcome': outcome })
  spans.close(open.elicitation, at)
  delete open.elicitation
}
