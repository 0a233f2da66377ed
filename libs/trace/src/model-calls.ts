// Model calls: `chat`, one span an attempt. An attempt that was lost with its process is a span of its own that failed, and the attempt
// that took it over links to it.
import { spanIdOf, traceIdOf } from '@reins/contracts'
import { answerOf } from './content.ts'
import { modelName } from './model-name.ts'
import type { Handlers, SessionSpans } from './session-spans.ts'
import { type Attribute, type Failure, OpenSpan } from './span.ts'
import { usageAttributes } from './turns.ts'

export const modelHandlers: Handlers = {
  'model-call.started': (spans, { call, attempt, model, final }, { at, by }) => {
    const within = spans.within()
    if (!within) return
    const span = new OpenSpan({
      ...{ session: spans.session, subject: 'chat', which: [call, attempt], ...within, at },
      name: `chat ${modelName(model)}`,
      kind: 'client',
      attributes: {
        'gen_ai.operation.name': 'chat',
        ...spans.base(),
        ...spans.modelAttributes(model),
        'gen_ai.request.stream': true,
        'reins.call.id': call,
        'reins.attempt': attempt,
        'reins.instance': by,
        'reins.model_call.final': final || undefined,
      },
    })
    if (attempt > 1) {
      const { traceId } = within
      span.links.push({ traceId, spanId: spanIdOf(spans.session, 'chat', call, attempt - 1), why: 'retry' })
    } else if (spans.turn) spans.turn.modelCalls++
    spans.chats.set(call, { attempt, span })
  },
  'model-call.completed': (
    spans,
    { call, attempt, content, usage, usd, finish, responseId, responseModel },
    { at },
  ) => {
    for (const block of content) if (block.type === 'tool-call') spans.names.set(block.call, block.name)
    ended(spans, call, attempt, at, {
      ...usageAttributes(usage, usd),
      'gen_ai.response.finish_reasons': [finish],
      'gen_ai.response.id': responseId,
      'gen_ai.response.model': responseModel,
      'gen_ai.output.messages': answerOf(content, finish, spans.options.content),
    })
  },
  'model-call.failed': (spans, { call, attempt, error, usage }, { at }) =>
    ended(spans, call, attempt, at, usageAttributes(usage), { type: error.code, message: error.message }),
  'model-call.throttled': (spans, { call, attempt, error, until, usage }, { at }) => {
    const waits = { ...usageAttributes(usage), 'reins.throttled_ms': Math.max(0, until - at) }
    ended(spans, call, attempt, at, waits, { type: error.code, message: error.message })
  },
  'context.compaction-started': (spans, { compaction, attempt, model, reason, from, to }, { at, by }) => {
    const within = spans.within() ?? {
      traceId: traceIdOf(spans.session, 'compaction', compaction),
      parent: undefined,
    }
    const span = new OpenSpan({
      ...{ session: spans.session, subject: 'compaction', which: [compaction, attempt], ...within, at },
      name: `chat ${modelName(model)}`,
      kind: 'client',
      attributes: {
        'gen_ai.operation.name': 'chat',
        ...spans.base(),
        ...spans.modelAttributes(model),
        'reins.attempt': attempt,
        'reins.instance': by,
        'reins.compaction.reason': reason,
        'reins.compaction.messages': to - from,
      },
    })
    if (attempt > 1) {
      const before = spanIdOf(spans.session, 'compaction', compaction, attempt - 1)
      span.links.push({ traceId: within.traceId, spanId: before, why: 'retry' })
    }
    spans.compaction = { attempt, span }
  },
  'context.compacted': (spans, { attempt, how, usage, usd }, { at }) =>
    compacted(spans, attempt, at, { ...usageAttributes(usage, usd), 'reins.compaction.how': how }),
  'context.compaction-failed': (spans, { attempt, error, usage }, { at }) =>
    compacted(spans, attempt, at, usageAttributes(usage), { type: error.code, message: error.message }),
  'context.compaction-throttled': (spans, { attempt, error, usage }, { at }) =>
    compacted(spans, attempt, at, usageAttributes(usage), { type: error.code, message: error.message }),
}

function ended(
  spans: SessionSpans,
  call: string,
  attempt: number,
  at: number,
  attributes: Record<string, Attribute | undefined>,
  failed?: Failure,
): void {
  const open = spans.chats.get(call)
  if (open?.attempt !== attempt) return
  spans.chats.delete(call)
  open.span.set(attributes)
  spans.close(open.span, at, failed)
}

function compacted(
  spans: SessionSpans,
  attempt: number,
  at: number,
  attributes: Record<string, Attribute | undefined>,
  failed?: Failure,
): void {
  const { compaction } = spans
  if (compaction?.attempt !== attempt) return
  spans.compaction = undefined
  compaction.span.set(attributes)
  spans.close(compaction.span, at, failed)
}
