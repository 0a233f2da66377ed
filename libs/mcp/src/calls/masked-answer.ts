// What a server answered, with secrets masked, before it is recorded and told to models. Pure.
//   MA1. A tool whose name or parameters hold a secret is left out: with a mask in its name or in that of a parameter no provider takes
//        it, and the server would not know it. A note says so, without the name.
import type { ServerAnswer } from '@reins/contracts'

/** Masks all texts of a value; one without a secret is given back as it is, the very same. */
export type Mask = <T>(value: T) => T

export function maskedAnswer(answer: ServerAnswer, mask: Mask): ServerAnswer {
  const masked = mask(answer)
  if (masked === answer || masked.status !== 'ready' || answer.status !== 'ready' || !answer.tools) return masked
  const usable = answer.tools.filter(({ name, tool, parameters }) => {
    const held = [name, tool, parameters]
    return mask(held) === held
  })
  if (usable.length === answer.tools.length) return masked
  const note = `${answer.tools.length - usable.length} of its tools were left out: a secret stands in the name or in the parameters.`
  return { ...masked, tools: mask(usable), notes: [...(masked.notes ?? []), note] }
}
