// Digests of what a model is sent. Incremental: a message or a tool is serialised and hashed once, and the digest of a conversation that
// goes on costs one hash for each new message.
import { hash } from 'node:crypto'
import type { ModelMessage, ToolSpec } from '@reins/contracts'

/** 32 hexadecimal characters of a sha256, as all digests of definitions are. */
export const digestOfText = (text: string): string => hash('sha256', text, 'hex').slice(0, 32)

const own = new WeakMap<object, string>()

function ownDigest(value: ModelMessage | ToolSpec): string {
  const known = own.get(value)
  if (known !== undefined) return known
  const made = digestOfText(JSON.stringify(value))
  own.set(value, made)
  return made
}

/** What stands before a message, and with it: the same message behind the same ones is hashed no more. */
const chained = new WeakMap<object, { readonly before: string; readonly after: string }>()

function chainDigest(values: readonly (ModelMessage | ToolSpec)[]): string {
  let state = ''
  for (const value of values) {
    const known = chained.get(value)
    const after = known?.before === state ? known.after : digestOfText(`${state}${ownDigest(value)}`)
    if (known?.after !== after) chained.set(value, { before: state, after })
    state = after
  }
  return state === '' ? digestOfText('') : state
}

export interface DigestedPrompt {
  readonly system: string
  readonly tools: readonly ToolSpec[]
  readonly messages: readonly ModelMessage[]
  readonly notices: readonly string[]
}

export interface PromptDigests {
  readonly digest: string
  readonly parts: {
    readonly system: string
    readonly tools: string
    readonly messages: string
    readonly notices?: string
  }
}

export function promptDigests({ system, tools, messages, notices }: DigestedPrompt): PromptDigests {
  const parts = {
    system: digestOfText(system),
    tools: chainDigest(tools),
    messages: chainDigest(messages),
    ...(notices.length === 0 ? {} : { notices: digestOfText(notices.join('\n')) }),
  }
  return { digest: digestOfText(Object.values(parts).join(' ')), parts }
}
