// Model calls: `chat`, one span an attempt. An attempt that was lost with its process is a span of its own that failed, and the attempt
// that took it over links to it.
import { spanIdOf, traceIdOf } from '@reins/contracts'
import { answerOf } from './content.ts'
import { modelName } from './model-name.ts'
import type { Handlers, SessionSpans } from './session-spans.ts'
import { type Attribute, type Failure, OpenSpan } from './span.ts'
import { usageAttributes } from './turns.ts'

export const modelHandlers: Handlers = {
  'model-call.started': (spans, { call, attempt, model, final, throttled }, { at, by }) => {
    const within = spans.within()
    if (!within) return
    const span = opened(
      spans,
      { subject: 'chat', call, attempt, model, by, at, within },
      {
        'gen_ai.request.stream': true,
        'reins.call.id': call,
        'reins.model_call.final': final || undefined,
        'reins.model_call.throttled_ms': throttled?.ms,
        'reins.model_call.throttled_by': throttled?.reason,
      },
    )
    if (attempt === 1 && spans.turn) spans.turn.modelCalls++
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
    const span = opened(
      spans,
      { subject: 'compaction', call: compaction, attempt, model, by, at, within },
      {
        'reins.compaction.reason': reason,
        'reins.compaction.messages': to - from,
      },
    )
    spans.compaction = { attempt, span }
  },
  'context.compacted': (spans, { attempt, how, usage, usd }, { at }) =>
    compacted(spans, attempt, at, { ...usageAttributes(usage, usd), 'reins.compaction.how': how }),
  'context.compaction-failed': (spans, { attempt, error, usage }, { at }) =>
    compacted(spans, attempt, at, usageAttributes(usage), { type: error.code, message: error.message }),
  'context.compaction-throttled': (spans, { attempt, error, usage }, { at }) =>
    compacted(spans, attempt, at, usageAttributes(usage), { type: error.code, message: error.message }),
}

interface Attempt {
  readonly subject: 'chat' | 'compaction'
  readonly call: string
  readonly attempt: number
  readonly model: string
  /** The instance that makes it. */
  readonly by: string
  /** epoch ms */
  readonly at: number
  readonly within: NonNullable<ReturnType<SessionSpans['within']>>
}

function opened(
  spans: SessionSpans,
  { subject, call, attempt, model, by, at, within }: Attempt,
  attributes: Record<string, Attribute | undefined>,
): OpenSpan {
  const { session } = spans
  const span = new OpenSpan({
    ...{ session, subject, which: [call, attempt], ...within, at, name: `chat ${modelName(model)}`, kind: 'client' },
    attributes: {
      'gen_ai.operation.name': 'chat',
      ...spans.base(),
      ...spans.modelAttributes(model),
      ...attributes,
      'reins.attempt': attempt,
      'reins.instance': by,
    },
  })
  if (attempt > 1) {
    const { traceId } = within
    span.links.push({ traceId, spanId: spanIdOf(session, subject, call, attempt - 1), why: 'retry' })
  }
  return span
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
