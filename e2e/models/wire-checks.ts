// Whether a request is one that its provider takes, in the three wire forms: what Anthropic's Messages, OpenAI's Responses and chat
// completions (also Ollama's) say of calls and their results, of turns, of reasoning and of cache breakpoints. Pure: a body in, problems out.
interface Block {
  readonly type?: string
  readonly id?: string
  readonly tool_use_id?: string
  readonly text?: string
  readonly cache_control?: unknown
}
interface Message {
  readonly role?: string
  readonly content?: unknown
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly arguments: string } }[]
  readonly tool_call_id?: string
  readonly type?: string
  readonly call_id?: string
  readonly arguments?: string
}
export interface WireBody {
  readonly system?: readonly Block[]
  readonly instructions?: string
  readonly tools?: readonly (Block & { readonly name?: string; readonly function?: { readonly name: string } })[]
  readonly messages?: readonly Message[]
  readonly input?: readonly Message[]
  readonly store?: boolean
}

const mostBreakpoints = 4

export function messagesProblems({ system = [], tools = [], messages = [] }: WireBody): readonly string[] {
  const problems: string[] = []
  const turns = messages.map(({ role, content }) => ({ role, blocks: content as readonly Block[] }))
  if (turns[0]?.role !== 'user') problems.push('the first message is not the user’s')
  turns.forEach(({ role, blocks }, at) => {
    if (role === turns[at - 1]?.role) problems.push(`messages ${at - 1} and ${at} are both of ${role}`)
    const calls = blocks.flatMap(({ type, id }) => (type === 'tool_use' ? [id ?? ''] : []))
    const next = turns[at + 1]?.blocks ?? []
    const results = next.flatMap(({ type, tool_use_id: of }) => (type === 'tool_result' ? [of ?? ''] : []))
    if (role === 'assistant' && !sameSet(calls, results))
      problems.push(`message ${at} has the calls [${calls}], and the one behind it the results [${results}]`)
    if (next.some(({ type }, place) => type === 'tool_result' && place >= results.length))
      problems.push(`in message ${at + 1} something stands before a result`)
    if (at === 0 && blocks.some(({ type }) => type === 'tool_result')) problems.push('the first message has a result')
    if (blocks.some(({ type, text }) => type === 'text' && text?.trim() === ''))
      problems.push(`message ${at} has an empty text`)
    if (blocks.length === 0) problems.push(`message ${at} is empty`)
    if (blocks.some(({ type, cache_control: mark }) => mark !== undefined && /thinking/.test(type ?? '')))
      problems.push(`message ${at} has a breakpoint on its thinking`)
  })
  const marked = [system, tools, ...turns.map(({ blocks }) => blocks)].flat().filter(({ cache_control: mark }) => mark)
  if (marked.length === 0 || marked.length > mostBreakpoints) problems.push(`it has ${marked.length} breakpoints`)
  return problems
}

export function responsesProblems({ input = [], store }: WireBody): readonly string[] {
  const problems: string[] = []
  const calls = input.flatMap(({ type, call_id: id }) => (type === 'function_call' ? [id ?? ''] : []))
  const results = input.flatMap(({ type, call_id: id }) => (type === 'function_call_output' ? [id ?? ''] : []))
  if (!sameSet(calls, results)) problems.push(`it has the calls [${calls}] and the results [${results}]`)
  input.forEach(({ type, call_id: id, arguments: args }, at) => {
    const before = input.slice(0, at)
    if (type === 'function_call_output' && !before.some((one) => one.type === 'function_call' && one.call_id === id))
      problems.push(`the result of ${id} stands before its call`)
    if (type === 'function_call' && !isJson(args)) problems.push(`the arguments of ${id} are no JSON`)
    if (type === 'reasoning' && !['function_call', 'message', undefined, 'reasoning'].includes(input[at + 1]?.type))
      problems.push(`what follows the reasoning at ${at} is no part of its answer`)
    if (type === 'reasoning' && (at === input.length - 1 || input[at + 1]?.role === 'user'))
      problems.push(`nothing follows the reasoning at ${at}`)
  })
  if (store !== false) problems.push('it is stored there')
  return problems
}

export function chatProblems({ messages = [] }: WireBody): readonly string[] {
  const problems: string[] = []
  let open: string[] = []
  messages.forEach(({ role, tool_calls: calls = [], tool_call_id: of, content }, at) => {
    if (role === 'tool') {
      if (!open.includes(of ?? '')) problems.push(`the result of ${of} has no call before it`)
      open = open.filter((id) => id !== of)
      return
    }
    if (open.length > 0) problems.push(`message ${at} stands before the results of [${open}]`)
    open = calls.map(({ id }) => id)
    if (new Set(open).size < open.length) problems.push(`message ${at} has two calls of one id`)
    for (const call of calls)
      if (!isJson(call.function.arguments)) problems.push(`the arguments of ${call.id} are no JSON`)
    if (role === 'system' && at > 0) problems.push(`a system prompt stands at ${at}`)
    if (calls.length === 0 && (typeof content !== 'string' || content.trim() === ''))
      problems.push(`message ${at} is empty`)
  })
  if (open.length > 0) problems.push(`[${open}] have no results`)
  return problems
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set(a).size === a.length && a.every((one) => b.includes(one))

function isJson(text: string | undefined): boolean {
  try {
    JSON.parse(text ?? '')
    return true
  } catch {
    return false
  }
}

/** By the path of the request. */
export function wireProblems(path: string, body: WireBody): readonly string[] {
  if (path.endsWith('/messages')) return messagesProblems(body)
  return path.endsWith('/responses') ? responsesProblems(body) : chatProblems(body)
}

/** What stands before the conversation, whatever the form. */
export const systemOf = ({ system, instructions, messages }: WireBody): string =>
  system?.map(({ text }) => text).join('') ??
  instructions ??
  messages?.flatMap(({ role, content }) => (role === 'system' ? [String(content)] : [])).join('') ??
  ''

export const toolNamesOf = ({ tools = [] }: WireBody): readonly string[] =>
  tools.map(({ name, function: fn }) => name ?? fn?.name ?? '')
