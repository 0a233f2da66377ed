// What servers say in the three wire forms, in the words of a test: the pieces of a stream, right or wrong. They end in no order of
// their own: who calls them decides what is left out.
export interface Form {
  readonly agent: string
  readonly model: string
  /** Whether a request for this path is in this form. */
  readonly path: RegExp
  /** Before anything else. */
  readonly begin: readonly unknown[]
  text(text: unknown): readonly unknown[]
  /** A tool call whose arguments come in pieces. `open`: its end does not come. */
  call(id: string, name: string, pieces: readonly string[], open?: 'open'): readonly unknown[]
  /** Arguments of a call that was never begun. */
  readonly stray: readonly unknown[]
  end(why: 'stop' | 'calls' | 'length'): readonly unknown[]
  /** An error in the middle of a stream. */
  error(kind: 'overloaded' | 'context', words: string): readonly unknown[]
  /** What is in no documentation, and no part of the answer. */
  readonly strange: readonly unknown[]
  /** Whether the request forbids calls, and the last text that it gives as a tool's result. */
  forbidsCalls(request: Record<string, unknown>): boolean
}

const usage = { input_tokens: 5, output_tokens: 5 }

function messages(): Form {
  let index = -1
  const block = (content_block: unknown) => {
    index++
    return { type: 'content_block_start', index, content_block }
  }
  const grow = (delta: unknown, at = index) => ({ type: 'content_block_delta', index: at, delta })
  const stop = () => ({ type: 'content_block_stop', index })
  const stops = { stop: 'end_turn', calls: 'tool_use', length: 'max_tokens' } as const
  return {
    agent: 'claude',
    model: 'anthropic/claude-sonnet-4-5',
    path: /\/v1\/messages$/,
    begin: [{ type: 'message_start', message: { id: 'msg', type: 'message', role: 'assistant', usage } }],
    text: (text) => [block({ type: 'text', text: '' }), grow({ type: 'text_delta', text }), stop()],
    call: (id, name, pieces, open) => [
      block({ type: 'tool_use', id, name, input: {} }),
      ...pieces.map((partial_json) => grow({ type: 'input_json_delta', partial_json })),
      ...(open ? [] : [stop()]),
    ],
    get stray() {
      return [grow({ type: 'input_json_delta', partial_json: '{"path":"x","content":"y"}' }, 7)]
    },
    end: (why) => [{ type: 'message_delta', delta: { stop_reason: stops[why] }, usage }, { type: 'message_stop' }],
    error: (kind, message) => [
      { type: 'error', error: { type: kind === 'overloaded' ? 'overloaded_error' : 'invalid_request_error', message } },
    ],
    strange: [{ type: 'ping' }, { type: 'content_block_odd', index: 'x', delta: null }, { type: 7 }, { odd: [[]] }],
    forbidsCalls: ({ tool_choice: choice }) => JSON.stringify(choice) === '{"type":"none"}',
  }
}

function responses(): Form {
  let index = -1
  const output: unknown[] = []
  const done = (item: unknown) => {
    output.push(item)
    return { type: 'response.output_item.done', output_index: index, item }
  }
  return {
    agent: 'gpt',
    model: 'openai/gpt-5',
    path: /\/responses$/,
    begin: [{ type: 'response.created', response: { id: 'resp', status: 'in_progress', output: [] } }],
    text(text) {
      index++
      const item = { type: 'message', id: `msg_${index}`, role: 'assistant' }
      const at = { output_index: index, item_id: item.id, content_index: 0 }
      return [
        { type: 'response.output_item.added', output_index: index, item: { ...item, content: [] } },
        { type: 'response.output_text.delta', ...at, delta: text },
        done({ ...item, content: [{ type: 'output_text', text }] }),
      ]
    },
    call(id, name, pieces, open) {
      index++
      const item = { type: 'function_call', id: `fc_${index}`, call_id: id, name }
      const at = { output_index: index, item_id: item.id }
      return [
        { type: 'response.output_item.added', output_index: index, item: { ...item, arguments: '' } },
        ...pieces.map((delta) => ({ type: 'response.function_call_arguments.delta', ...at, delta })),
        ...(open ? [] : [done({ ...item, arguments: pieces.join('') })]),
      ]
    },
    stray: [
      {
        ...{ type: 'response.function_call_arguments.delta', output_index: 7, item_id: 'fc_gone' },
        delta: '{"path":"x","content":"y"}',
      },
    ],
    end: (why) => [
      why === 'length'
        ? {
            type: 'response.incomplete',
            response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output, usage },
          }
        : { type: 'response.completed', response: { id: 'resp', status: 'completed', output, usage } },
    ],
    error: (kind, message) => [
      {
        type: 'response.failed',
        response: {
          status: 'failed',
          error: { code: kind === 'overloaded' ? 'server_is_overloaded' : 'context_length_exceeded', message },
        },
      },
    ],
    strange: [{ type: 'response.odd.delta', delta: {} }, { type: 7 }, { sequence_number: 'x', odd: [[]] }],
    forbidsCalls: ({ tool_choice: choice }) => choice === 'none',
  }
}

function ollama(): Form {
  let calls = 0
  const chunk = (delta: unknown, finish_reason: unknown = null) => ({
    ...{ id: 'chatcmpl-1', object: 'chat.completion.chunk', system_fingerprint: 'fp_ollama' },
    choices: [{ index: 0, delta, finish_reason }],
  })
  const reasons = { stop: 'stop', calls: 'tool_calls', length: 'length' } as const
  return {
    agent: 'llama',
    model: 'ollama/llama3.2',
    path: /\/chat\/completions$/,
    begin: [chunk({ role: 'assistant', content: '' })],
    text: (content) => [chunk({ content })],
    call(id, name, pieces) {
      const index = calls++
      return [
        chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
        ...pieces.map((text) => chunk({ tool_calls: [{ index, function: { arguments: text } }] })),
      ]
    },
    stray: [chunk({ tool_calls: [{ index: 7, function: { arguments: '{"path":"x","content":"y"}' } }] })],
    end: (why) => [chunk({}, reasons[why]), '[DONE]'],
    error: (kind, message) => [
      { error: { message, type: kind === 'overloaded' ? 'overloaded_error' : 'exceed_context_size_error' } },
    ],
    strange: [{ choices: [] }, { choices: null, odd: [[]] }, chunk(null), chunk({ content: null, tool_calls: null })],
    forbidsCalls: ({ tool_choice: choice }) => choice === 'none',
  }
}

/** Each answer counts its own blocks: a form is made for each. */
export const forms: readonly (() => Form)[] = [messages, responses, ollama]

export function bytesOf(events: readonly unknown[]): string {
  return events
    .map((event) => {
      if (typeof event === 'string') return `data: ${event}\n\n`
      const type = (event as { type?: unknown }).type
      return `${typeof type === 'string' ? `event: ${type}\n` : ''}data: ${JSON.stringify(event)}\n\n`
    })
    .join('')
}
