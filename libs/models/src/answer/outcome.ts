// What an answer comes to when its provider has said that it is over.
//   O1. An answer without a text and without a call is no answer: it fails, and says why, so that no turn ends without a word.
//   O2. How it ended is told by what is in it where the provider contradicts itself: several servers say "stop" after a tool call.
import type { ModelCompleted, ModelFailed, Usage } from '@reins/contracts'
import { failed, type Subject } from '../failure/failure.ts'
import type { Answer } from './answer.ts'

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
}

/** Neither a space nor a character that nobody sees, such as a zero-width space. */
const visible = /[^\s\p{Cc}\p{Cf}]/u

export function outcome(answer: Answer, ending: Ending, subject: Subject): ModelCompleted | ModelFailed {
  const { usage, ignored, id, model } = ending
  const content = answer.content()
  const calls = content.some((block) => block.type === 'tool-call')
  const words = content.some((block) => block.type === 'text' && visible.test(block.text))
  if (!calls && !words) return empty(answer, ending, subject)
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
