// What a call asks of people, and what it is told: an answer that it has already, or a question that goes into the log.
//   AP1. A call that is repeated is told what its earlier attempts were told: nobody answers the same question twice.
//   AP2. Of what a server wants before it runs a call, the first one that has no answer yet is asked; then the call is repeated.
//   AP3. A call asks so often and no more: a server that is never content costs a person some answers, and not the rest of the day.
import { createHash } from 'node:crypto'
import { canonicalJson, type Resumed } from '@reins/contracts'
import type { Elicitation, PersonsAnswer, Question } from '@reins/tools'

const most = 8

export type Asking =
  | { readonly kind: 'answered'; readonly answer: PersonsAnswer }
  | { readonly kind: 'ask'; readonly asked: Elicitation; readonly key: string }
  /** AP3. */
  | { readonly kind: 'enough' }

/** The questions of one attempt of a call, in their order. */
export class AskedPeople {
  readonly #answers: Resumed['answers']
  /** Answers that this attempt has had: asked the same twice, it gets the next answer, or a person is asked. */
  readonly #used = new Set<string>()
  #asked = 0

  constructor(resume: Resumed | undefined) {
    this.#answers = resume?.answers ?? []
  }

  next(question: Question): Asking {
    const asked = question.nothingRan ? this.#first(question.asked) : question.asked
    if (!asked || this.#answers.length + this.#asked >= most) return { kind: 'enough' }
    const key = keyOf(asked)
    const known = question.nothingRan
      ? undefined
      : this.#answers.find((one) => one.key === key && !this.#used.has(one.elicitation))
    if (!known) {
      this.#asked++
      return { kind: 'ask', asked, key }
    }
    this.#used.add(known.elicitation)
    const { action, content } = known
    return { kind: 'answered', answer: { action, ...(content ? { content } : {}) } }
  }

  /** AP2. */
  #first(all: readonly Elicitation[]): Elicitation | undefined {
    const accepted = new Set(this.#answers.flatMap(({ key, action }) => (action === 'accept' ? [key] : [])))
    return all.find((one) => !accepted.has(keyOf(one))) ?? all[0]
  }
}

/** Ids and what stands behind a page's path are new each time that a server asks. */
function keyOf(asked: Elicitation): string {
  const { mode, server, message } = asked
  const what = mode === 'form' ? asked.schema : pageOf(asked.url)
  return createHash('sha256')
    .update(canonicalJson([mode, server, message, what]))
    .digest('hex')
    .slice(0, 32)
}

function pageOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
