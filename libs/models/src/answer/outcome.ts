// What an answer comes to when its provider has said that it is over.
//   O1. An answer without a text and without a call is no answer: it fails, and says why, so that no turn ends without a word.
//   O2. How it ended is told by what is in it where the provider contradicts itself: several servers say "stop" after a tool call.
//   O3. An answer that ends with a call which its server did not read, or did not send, is no answer either.
import type { ModelCompleted, ModelFailed, ModelRequest, Usage } from '@reins/contracts'
import { failed, type Subject } from '../failure/failure.ts'
import type { Answer } from './answer.ts'
import { unreadCall } from './unread-calls.ts'

export interface Ending {
  readonly finish: ModelCompleted['finish']
  readonly usage: Usage
  readonly id?: string | undefined
  readonly model?: string | undefined
  /** Why it was refused, in the provider's words. */
  readonly refusal?: string | undefined
  /** The window of the model was full, not the limit of the answer. */
  readonly windowFull?: boolean
  /** What it sent that no schema knows. */
  readonly ignored: ReadonlySet<string>
  readonly maxTokens: number
  /** That were offered, and may be called. */
  readonly tools: readonly { readonly name: string }[]
}

/** Neither a space nor a character that nobody sees, such as a zero-width space. */
const visible = /[^\s\p{Cc}\p{Cf}]/u

export function outcome(answer: Answer, ending: Ending, subject: Subject): ModelCompleted | ModelFailed {
  const { usage, ignored, id, model } = ending
  const content = answer.content()
  const calls = content.some((block) => block.type === 'tool-call')
  const words = content.some((block) => block.type === 'text' && visible.test(block.text))
  if (!calls && !words) return empty(answer, ending, subject)
  const lost = calls ? undefined : lostCall(content, ending)
  if (lost !== undefined) return failed({ kind: 'broken-call', message: lost }, subject)
  const finish =
    ending.finish === 'stop' && calls ? 'tool-calls' : ending.finish === 'tool-calls' && !calls ? 'stop' : ending.finish
  return {
    type: 'completed',
    content,
    usage,
    finish,
    ...(id ? { responseId: id } : {}),
    ...(model ? { responseModel: model } : {}),
    ...(ignored.size === 0 ? {} : { ignored: [...ignored] }),
  }
}

/** Where calls stand in an answer whose form nobody knows; `parallel_tool_calls` is what was asked for. */
const callsPlace = /(?:^|\.|item )(?:custom_)?(?:tool_?calls?|function_?calls?)(?:\.\d+)?$/i

/** O3. */
function lostCall(content: ModelCompleted['content'], { finish, tools, ignored }: Ending): string | undefined {
  if (tools.length === 0 || finish === 'length' || finish === 'refused') return undefined
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  const name = unreadCall(text, tools)
  if (name !== undefined)
    return `the answer ends with a call of ${name} as a text, which the server did not read as a call`
  const unknown = [...ignored].find((place) => callsPlace.test(place))
  if (unknown !== undefined) return `the answer came with ${unknown}, which is not understood as a call`
  return finish === 'tool-calls' ? 'the answer ended with a call of a tool, and none came' : undefined
}

/** What may be called by an answer to this request. */
export function callable({ tools, toolChoice }: ModelRequest): Ending['tools'] {
  return toolChoice === 'none' ? [] : tools
}

function empty(answer: Answer, ending: Ending, subject: Subject): ModelFailed {
  const { finish, usage, ignored, maxTokens } = ending
  const thought = answer.content().some((block) => block.type === 'reasoning')
  if (finish === 'refused')
    return failed({ kind: 'refused', message: ending.refusal ?? 'the model refused to answer' }, subject)
  if (ending.windowFull || (finish === 'length' && usage.outputTokens > 0 && usage.outputTokens < maxTokens / 2))
    return failed({ kind: 'window-full', message: 'the window of the model was full before the answer began' }, subject)
  if (finish === 'length') {
    const spent = thought ? 'thought until its limit was reached' : 'reached its limit'
    return failed(
      { kind: 'all-thought', message: `the model ${spent} (max_tokens ${maxTokens}) and answered nothing` },
      subject,
    )
  }
  const unknown = ignored.size === 0 ? '' : `; it sent ${[...ignored].slice(0, 5).join(', ')}, which is not understood`
  const only = thought ? ' after its thoughts' : ''
  return failed({ kind: 'empty', message: `the model ended its answer${only} without a word${unknown}` }, subject)
}
