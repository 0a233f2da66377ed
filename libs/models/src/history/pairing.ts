// Calls and their results, paired: every call has exactly one result, right behind it and in the order of the calls. Providers refuse
// a conversation where one is missing, doubled or out of place, and would go on refusing it for ever. Pure.
import type { ModelMessage } from '@reins/contracts'

type ToolMessage = Extract<ModelMessage, { role: 'tool' }>

/** A conversation that is in order comes back as it is; what is missing is said to be missing. */
export function pairCalls(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const ordered: ModelMessage[] = []
  let open = new Map<string, { readonly name: string; result: ToolMessage | undefined }>()
  let later: ModelMessage[] = []
  const close = (): void => {
    for (const [call, { name, result }] of open)
      ordered.push(result ?? { role: 'tool', call, name, output: lost, error: true })
    ordered.push(...later)
    open = new Map()
    later = []
  }
  for (const message of messages) {
    switch (message.role) {
      case 'user':
        if (open.size > 0) later.push(message)
        else ordered.push(message)
        break
      case 'tool': {
        const call = open.get(message.call)
        if (!call || call.result) break
        call.result = message
        if ([...open.values()].every(({ result }) => result)) close()
        break
      }
      case 'assistant':
        close()
        ordered.push(message)
        for (const block of message.content)
          if (block.type === 'tool-call') open.set(block.call, { name: block.name, result: undefined })
        break
      default:
        message satisfies never
    }
  }
  close()
  return ordered.length === messages.length && ordered.every((message, at) => message === messages[at])
    ? messages
    : ordered
}

const lost = 'The call was interrupted: no result is known.'
