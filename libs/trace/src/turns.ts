// Turns: `invoke_agent`, from the message that is taken in to the answer, the failure or the cancel.
import { parseTraceparent, type Usage } from '@reins/contracts'
import { messagesOf } from './content.ts'
import type { Handlers, SessionSpans } from './session-spans.ts'
import { type Attribute, type Failure, OpenSpan } from './span.ts'

export const usageAttributes = (usage: Usage | undefined, usd?: number): Record<string, Attribute | undefined> =>
  usage
    ? {
        'gen_ai.usage.input_tokens': usage.inputTokens,
        'gen_ai.usage.output_tokens': usage.outputTokens,
        'gen_ai.usage.cache_read.input_tokens': usage.cacheReadTokens || undefined,
        'gen_ai.usage.cache_creation.input_tokens': usage.cacheWriteTokens || undefined,
        'gen_ai.usage.reasoning.output_tokens': usage.reasoningTokens || undefined,
        'reins.usage.usd': usd,
      }
    : {}

export const turnHandlers: Handlers = {
  'session.started': (spans, data) => {
    spans.agent = data.agent
    spans.model = data.model
    spans.digest = data.digest
    if (data.parent) spans.parent = data.parent
    // Those that servers have are named when the servers have answered.
  },
  // What was open there goes on in the session that it was forked from.
  'session.forked': (spans, { agent, model, digest }, { at }) => {
    if (spans.turn) end(spans, spans.turn.id, at, { 'reins.outcome': 'forked' })
    spans.closeCalls(at, 'forked')
    spans.forget()
    spans.agent = agent
    spans.model = model
    spans.digest = digest
  },
  'agent.configured': (spans, { pinned }) => repinned(spans, pinned),
  'session.upgraded': (spans, { pinned }) => repinned(spans, pinned),
  'message.received': (spans, { message, content }, { at, trace }) => {
    const kept = spans.options.content ? content : undefined
    if (!spans.inbox.has(message)) spans.inbox.set(message, { at, trace: parseTraceparent(trace), content: kept })
  },
  'message.joined': (spans, { message }, { at }) => {
    spans.inbox.delete(message)
    spans.turn?.span.mark('message.joined', at, { 'reins.message.id': message })
  },
  'message.dropped': (spans, { message }) => {
    spans.inbox.delete(message)
  },
  'turn.started': (spans, { turn, messages }, { at }) => {
    if (spans.turn) return
    const [first = ''] = messages
    const taken = messages.flatMap((message) => spans.inbox.get(message) ?? [])
    const { traceId, parent } = spans.contextOf(first, turn)
    const span = new OpenSpan({
      ...{ session: spans.session, subject: 'turn', which: [turn], traceId, parent, at },
      name: `invoke_agent ${spans.agent ?? ''}`.trim(),
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        ...spans.base(),
        ...spans.modelAttributes(),
        'gen_ai.agent.version': spans.digest || undefined,
        'reins.turn.id': turn,
        'reins.turn.queued_ms': taken[0] && Math.max(0, at - taken[0].at),
        'gen_ai.input.messages':
          taken.length === 0
            ? undefined
            : messagesOf(
                'user',
                taken.map(({ content }) => content),
                spans.options.content,
              ),
      },
    })
    // A root's next turn is a trace of its own.
    if (spans.before && spans.before.traceId !== traceId) span.links.push({ ...pick(spans.before), why: 'before' })
    for (const message of messages) spans.inbox.delete(message)
    spans.turn = { id: turn, span, messages, modelCalls: 0 }
  },
  'turn.completed': (spans, { turn, usage, usd, reason }, { at }) =>
    end(spans, turn, at, { ...usageAttributes(usage, usd), 'reins.outcome': 'completed', 'reins.turn.reason': reason }),
  'turn.failed': (spans, { turn, usage, usd, error }, { at }) =>
    end(
      spans,
      turn,
      at,
      { ...usageAttributes(usage, usd), 'reins.outcome': 'failed' },
      { type: error.code, message: error.message },
    ),
  'turn.cancelled': (spans, { turn, usage, usd, reason }, { at }) =>
    end(spans, turn, at, { ...usageAttributes(usage, usd), 'reins.outcome': 'cancelled', 'reins.turn.reason': reason }),
  'session.quarantined': (spans, { reason }, { at }) => {
    spans.turn?.span.mark('session.quarantined', at, { 'reins.reason': reason.slice(0, 500) })
  },
  'session.paused': (spans, _, { at }) => spans.turn?.span.mark('session.paused', at),
  'session.resumed': (spans, _, { at }) => spans.turn?.span.mark('session.resumed', at),
  'session.ended': (spans, _, { at }) => {
    if (spans.turn) end(spans, spans.turn.id, at, { 'reins.outcome': 'ended' })
    spans.closeCalls(at, 'ended')
    const { run } = spans
    if (!run?.span) return
    run.span.set({ 'reins.outcome': 'ended' })
    spans.close(run.span, at)
    run.span = undefined
  },
}

function repinned(spans: SessionSpans, pinned: { readonly model: string; readonly digest: string } | undefined): void {
  if (!pinned) return
  spans.model = pinned.model
  spans.digest = pinned.digest
}

const pick = ({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }) => ({ traceId, spanId })

function end(
  spans: SessionSpans,
  id: string,
  at: number,
  attributes: Record<string, Attribute | undefined>,
  failed?: Failure,
): void {
  const { turn } = spans
  if (turn?.id !== id) return
  const { span, messages } = turn
  for (const [call, { span: chat }] of spans.chats) {
    spans.chats.delete(call)
    chat.set({ 'reins.outcome': 'cancelled' })
    spans.close(chat, at)
  }
  if (spans.toolset) {
    spans.toolset.set({ 'reins.outcome': 'cancelled' })
    spans.close(spans.toolset, at)
    spans.toolset = undefined
  }
  // Operations of a run go on; what the turn has called ends with it.
  spans.closeCalls(at, 'cancelled', ({ kind }) => kind === undefined)
  spans.names.clear()
  span.set({ ...attributes, 'reins.turn.model_calls': turn.modelCalls })
  spans.turn = undefined
  spans.before = pick(span)
  spans.close(span, at, failed)
  for (const message of messages) if (spans.calls.get(message)?.kind === 'call') spans.closeCall(message, at, failed)
}
