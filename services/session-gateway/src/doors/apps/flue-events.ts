// The events of a session in the form that clients of Flue know: a projection of the log, and of the deltas beside it. Pure.
//   FE1. `id` of an event is the cursor behind it: whoever comes back with it goes on there.
import type { ApiDelta, ApiEvent, SessionEvent, StreamItem } from '@reins/contracts'

export interface FlueEvent {
  readonly type: string
  readonly cursor: string
  readonly [field: string]: unknown
}

/** What an item of a stream is to them; most are one event, some none. */
export function flueEvents(item: StreamItem): readonly FlueEvent[] {
  const { cursor } = item
  if (item.type === 'delta') return deltaEvents(item as ApiDelta)
  if (!('data' in item) || !('n' in item)) return []
  const { at } = item as ApiEvent
  return known(item as unknown as SessionEvent).map((fields) => ({
    ...(fields as { readonly type: string }),
    cursor,
    timestamp: new Date(at).toISOString(),
  }))
}

function deltaEvents({ cursor, data }: ApiDelta): readonly FlueEvent[] {
  const { kind, text, call, toolCall } = data
  if (kind === 'text') return [{ type: 'text_delta', cursor, messageId: call, text, delta: text }]
  if (kind === 'reasoning') return [{ type: 'thinking_delta', cursor, messageId: call, text, delta: text }]
  if (kind === 'output')
    return [{ type: 'tool_execution_update', cursor, toolCallId: toolCall ?? call, text, delta: text }]
  return []
}

function known(event: SessionEvent): readonly object[] {
  switch (event.type) {
    case 'run.invoked':
      return [{ type: 'run_start', workflowName: event.data.workflow, payload: event.data.payload ?? {} }]
    case 'run.logged': {
      const { level, message, attributes } = event.data
      return [{ type: 'log', level, message, ...(attributes === undefined ? {} : { attributes }) }]
    }
    case 'run.step-ended':
      return [{ type: 'operation', operation: 'step', position: event.data.position }]
    case 'run.ended': {
      const { status, output, error } = event.data
      const ended = status === 'completed' ? { result: output ?? null } : { error }
      return [{ type: 'run_end', isError: status !== 'completed', ...ended }]
    }
    case 'turn.started':
      return [{ type: 'turn_start', turnId: event.data.turn }]
    case 'model-call.started':
      return [{ type: 'message_start', messageId: event.data.call, turnId: event.data.turn, model: event.data.model }]
    case 'model-call.completed': {
      const text = event.data.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
      return [{ type: 'message_end', messageId: event.data.call, text, usage: event.data.usage }]
    }
    case 'tool-calls.requested':
      return event.data.calls.map(({ call, name, arguments: args }) => ({
        ...{ type: 'tool_start', toolCallId: call, toolName: name, args },
      }))
    case 'tool-call.completed':
      return [
        {
          ...{ type: 'tool_call', toolCallId: event.data.call, isError: event.data.status === 'error' },
          ...{ result: event.data.output, durationMs: event.data.duration },
        },
      ]
    case 'tool-call.outcome-unknown':
      return [{ type: 'tool_call', toolCallId: event.data.call, isError: true, result: event.data.message }]
    case 'context.compaction-started':
      return [{ type: 'compaction_start' }]
    case 'context.compacted':
      return [{ type: 'compaction' }]
    case 'turn.completed':
      return [{ type: 'turn_end', turnId: event.data.turn, usage: event.data.usage, isError: false }]
    case 'turn.failed':
      return [
        { type: 'turn_end', turnId: event.data.turn, usage: event.data.usage, isError: true, error: event.data.error },
      ]
    case 'turn.cancelled':
      return [{ type: 'turn_end', turnId: event.data.turn, usage: event.data.usage, isError: true, aborted: true }]
    default:
      return []
  }
}
