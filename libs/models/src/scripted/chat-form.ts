// Chat completions, seen from the server.
import type { AssistantBlock, ModelCompleted, ModelMessage } from '@reins/contracts'
import { parseArguments } from '../answer/arguments.ts'
import { isRecord } from '../http/foreign.ts'
import { argumentsText, limit, records, settings, string, textOf, toolOf, type WireForm } from './forms.ts'

export const chatForm: WireForm = {
  request(body) {
    const messages: ModelMessage[] = []
    let system = ''
    const names = new Map<string, string>()
    for (const message of records(body.messages)) {
      const text = textOf(message.content)
      switch (message.role) {
        case 'system':
        case 'developer':
          system += system === '' ? text : `\n${text}`
          break
        case 'user':
          messages.push({ role: 'user', content: [{ type: 'text', text }] })
          break
        case 'assistant': {
          const calls = records(message.tool_calls).map((call): AssistantBlock => {
            const fn = isRecord(call.function) ? call.function : {}
            names.set(string(call.id), string(fn.name))
            return {
              type: 'tool-call',
              call: string(call.id),
              name: string(fn.name),
              ...parseArguments(string(fn.arguments)),
            }
          })
          messages.push({
            role: 'assistant',
            model: '',
            content: [...(text === '' ? [] : [{ type: 'text', text } as const]), ...calls],
          })
          break
        }
        case 'tool': {
          const call = string(message.tool_call_id)
          messages.push({
            role: 'tool',
            call,
            name: names.get(call) ?? 'tool',
            output: text,
            error: text.startsWith('Error: '),
          })
          break
        }
      }
    }
    const tools = records(body.tools).flatMap((tool) => (isRecord(tool.function) ? [toolOf(tool.function)] : []))
    return {
      ...settings(body),
      system,
      messages,
      tools,
      maxTokens: limit(body.max_tokens ?? body.max_completion_tokens),
    }
  },
  stream(id, model) {
    const head = `data: {"id":"${id}","object":"chat.completion.chunk","created":0,"model":${JSON.stringify(model)},"choices":[`
    const choice = (delta: string, finish = 'null') =>
      `${head}{"index":0,"delta":${delta},"finish_reason":${finish}}]}\n\n`
    const calls = new Map<number, number>()
    return {
      open: () => choice('{"role":"assistant","content":""}'),
      delta({ block, kind, text, call, name }) {
        const json = JSON.stringify(text)
        if (kind === 'text') return choice(`{"content":${json}}`)
        if (kind === 'reasoning') return choice(`{"reasoning_content":${json}}`)
        const known = calls.get(block)
        const index = known ?? calls.size
        calls.set(block, index)
        const first = known === undefined ? `"id":${JSON.stringify(call)},"type":"function",` : ''
        const named = known === undefined ? `"name":${JSON.stringify(name)},` : ''
        return choice(`{"tool_calls":[{"index":${index},${first}"function":{${named}"arguments":${json}}}]}`)
      },
      close: (completed) =>
        `${choice('{}', `"${chatFinish(completed)}"`)}${head}],"usage":${JSON.stringify(chatUsage(completed))}}\n\ndata: [DONE]\n\n`,
    }
  },
  whole(id, model, completed) {
    const text = join(completed, 'text')
    const reasoning = join(completed, 'reasoning')
    const calls = completed.content.flatMap((block) =>
      block.type === 'tool-call'
        ? [{ id: block.call, type: 'function', function: { name: block.name, arguments: argumentsText(block) } }]
        : [],
    )
    const message = {
      role: 'assistant',
      content: text === '' ? null : text,
      ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    }
    const choices = [{ index: 0, message, finish_reason: chatFinish(completed) }]
    return JSON.stringify({ id, object: 'chat.completion', created: 0, model, choices, usage: chatUsage(completed) })
  },
}

function join(completed: ModelCompleted, type: 'text' | 'reasoning'): string {
  return completed.content.map((block) => (block.type === type ? block.text : '')).join('')
}

function chatFinish({ finish }: ModelCompleted): string {
  return { stop: 'stop', 'tool-calls': 'tool_calls', length: 'length', refused: 'content_filter' }[finish]
}

function chatUsage({ usage }: ModelCompleted) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cacheReadTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }
}
