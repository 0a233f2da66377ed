// What a model is sent: a projection of the session. Pure, so that it can be made again for any call of the past.
//   P1. It follows from the session's events, its pinned definition and the model's window alone.
//   P2. What stands before the newest message keeps its bytes from call to call: what changes is said in a notice behind it.
//   P3. The order of the system prompt is: the definition's own, what the session offers (skills, memory, plan, agents), and servers that
//       are not there. That no more tools may be called is a notice (P2).
//   P4. What had to be left out stands in the recipe.
import { askedSchema, type JsonObject, type ModelMessage, type PromptRecipe, type ToolSpec } from '@reins/contracts'
import { projected, type Session, windowOf } from '@reins/session'
import type { CallSettings } from './definitions.ts'
import { promptDigests } from './prompt-digest.ts'
import { withServers } from './server-tools.ts'
import { withOffered } from './session-offer.ts'
import { fitToWindow } from './window-fit.ts'

export interface Prompt {
  readonly settings: CallSettings
  /** The tools are withheld: the model must answer. */
  readonly final: boolean
  readonly system: string
  readonly tools: readonly ToolSpec[]
  readonly messages: readonly ModelMessage[]
  /** They follow the newest message, and stand in no transcript. */
  readonly notices: readonly string[]
  /** What the answer has to fit, as it is asked of the model; the system prompt or a notice says the same. */
  readonly output?: { readonly schema: JsonObject }
  readonly recipe: PromptRecipe
}

const finalNotice = 'You have used all the tool calls of this turn. Answer now with what you have; call no more tools.'

/** Of the model call that the session's turn is at. `window`: tokens of input and output together, as the caller knows the model. */
export function promptOf(session: Session, defined: CallSettings, window: number): Prompt {
  const settings = withServers(withOffered(defined, session), session)
  const final = session.turn?.model?.final ?? false
  const asked = session.turn?.output
  const { tools, system } = settings
  const notices = [...(settings.notices ?? []), ...(final ? [finalNotice] : [])]
  const fitted = fitToWindow(projected(session), {
    ...{ window: windowOf(session, window), maxTokens: settings.maxTokens, tools },
    system: [system, ...notices].join('\n'),
  })
  const { messages, dropped, cut, fixed, tokens } = fitted
  return {
    ...{ settings, final, system, tools, messages, notices },
    ...(asked ? { output: { schema: askedSchema(asked.schema) } } : {}),
    recipe: {
      ...promptDigests({ system, tools, messages, notices }),
      ...{ messages: messages.length, fixed, tokens, window, answer: settings.maxTokens },
      ...(dropped > 0 ? { dropped } : {}),
      ...(cut === undefined ? {} : { cut }),
    },
  }
}
