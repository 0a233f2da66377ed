// The Responses API, seen from the server.
import type { AssistantBlock, ModelCompleted, ModelDelta, ModelMessage } from '@reins/contracts'
import { parseArguments } from '../answer/arguments.ts'
import { argumentsText, limit, records, settings, string, textOf, toolOf, type WireForm } from './forms.ts'

export const responsesForm: WireForm = {
  request(body) {
    const messages: ModelMessage[] = []
    const names = new Map<string, string>()
    const assistant = (block: AssistantBlock): void => {
      const last = messages.at(-1)
      if (last?.role === 'assistant') messages[messages.length - 1] = { ...last, content: [...last.content, block] }
      else messages.push({ role: 'assistant', model: '', content: [block] })
    }
    const input = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : records(body.input)
    for (const item of input) {
      if (item.type === 'function_call') {
        names.set(string(item.call_id), string(item.name))
        assistant({
          type: 'tool-call',
          call: string(item.call_id),
          name: string(item.name),
          ...parseArguments(string(item.arguments)),
        })
      } else if (item.type === 'function_call_output') {
        const call = string(item.call_id)
        const output = textOf(item.output)
        messages.push({
          role: 'tool',
          call,
          name: names.get(call) ?? 'tool',
          output,
          error: output.startsWith('Error: '),
        })
      } else if (item.role === 'assistant') assistant({ type: 'text', text: textOf(item.content) })
      else if (item.role === 'user')
        messages.push({ role: 'user', content: [{ type: 'text', text: textOf(item.content) }] })
    }
    const tools = records(body.tools).flatMap((tool) => (tool.type === 'function' ? [toolOf(tool)] : []))
    return {
      ...settings(body),
      system: string(body.instructions),
      messages,
      tools,
      maxTokens: limit(body.max_output_tokens),
    }
  },
  stream(id, model) {
    let sequence = 0
    const event = (type: string, rest: string) =>
      `event: ${type}\ndata: {"type":"${type}","sequence_number":${sequence++},${rest}}\n\n`
    const opened = new Set<number>()
    const openItem = ({ block, kind, call, name }: ModelDelta): string => {
      opened.add(block)
      const place = `"output_index":${block}`
      switch (kind) {
        case 'text':
          return (
            event(
              'response.output_item.added',
              `${place},"item":{"type":"message","id":"${id}_${block}","role":"assistant","status":"in_progress","content":[]}`,
            ) +
            event(
              'response.content_part.added',
              `${place},"item_id":"${id}_${block}","content_index":0,"part":{"type":"output_text","text":"","annotations":[]}`,
            )
          )
        case 'reasoning':
          return (
            event(
              'response.output_item.added',
              `${place},"item":{"type":"reasoning","id":"${id}_${block}","summary":[]}`,
            ) +
            event(
              'response.reasoning_summary_part.added',
              `${place},"item_id":"${id}_${block}","summary_index":0,"part":{"type":"summary_text","text":""}`,
            )
          )
        case 'arguments':
          return event(
            'response.output_item.added',
            `${place},"item":{"type":"function_call","id":"${id}_${block}","call_id":${JSON.stringify(call)},"name":${JSON.stringify(name)},"arguments":"","status":"in_progress"}`,
          )
        default:
          return kind satisfies never
      }
    }
    return {
      open: () => event('response.created', `"response":${responseOf(id, model, 'in_progress')}`),
      delta(delta) {
        const opening = opened.has(delta.block) ? '' : openItem(delta)
        const place = `"output_index":${delta.block},"item_id":"${id}_${delta.block}","delta":${JSON.stringify(delta.text)}`
        switch (delta.kind) {
          case 'text':
            return opening + event('response.output_text.delta', `"content_index":0,"logprobs":[],${place}`)
          case 'reasoning':
            return opening + event('response.reasoning_summary_text.delta', `"summary_index":0,${place}`)
          case 'arguments':
            return opening + event('response.function_call_arguments.delta', place)
          default:
            return delta.kind satisfies never
        }
      },
      close(completed) {
        const done = completed.content.map((block, at) =>
          event('response.output_item.done', `"output_index":${at},"item":${JSON.stringify(itemOf(id, block, at))}`),
        )
        const last = completed.finish === 'length' ? 'response.incomplete' : 'response.completed'
        return done.join('') + event(last, `"response":${responseOf(id, model, 'completed', completed)}`)
      },
    }
  },
  whole: (id, model, completed) => responseOf(id, model, 'completed', completed),
}

function itemOf(id: string, block: AssistantBlock, at: number) {
  const common = { id: `${id}_${at}`, status: 'completed' }
  switch (block.type) {
    case 'text':
      return {
        ...common,
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: block.text, annotations: [] }],
      }
    case 'reasoning':
      return {
        ...common,
        type: 'reasoning',
        summary: [{ type: 'summary_text', text: block.text }],
        encrypted_content: 'scripted',
      }
    case 'tool-call':
      return {
        ...common,
        type: 'function_call',
        call_id: block.call,
        name: block.name,
        arguments: argumentsText(block),
      }
    default:
      return block satisfies never
  }
}

function responseOf(id: string, model: string, status: string, completed?: ModelCompleted): string {
  const short = completed?.finish === 'length'
  const usage = completed?.usage
  return JSON.stringify({
    id,
    object: 'response',
    created_at: 0,
    status: short ? 'incomplete' : status,
    model,
    error: null,
    incomplete_details: short ? { reason: 'max_output_tokens' } : null,
    output: completed ? completed.content.map((block, at) => itemOf(id, block, at)) : [],
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    usage: usage
      ? {
          input_tokens: usage.inputTokens,
          input_tokens_details: { cached_tokens: usage.cacheReadTokens, cache_write_tokens: usage.cacheWriteTokens },
          output_tokens: usage.outputTokens,
          output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
          total_tokens: usage.inputTokens + usage.outputTokens,
        }
      : null,
  })
}
