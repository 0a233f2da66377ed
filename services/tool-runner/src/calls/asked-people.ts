// What a call asks of people, and what it is told: an answer that it has already, or a question that goes into the log.
//   AP1. A call that is repeated is told what it was told before, by this runner or another: nobody answers the same question twice.
//   AP4. While a question waits that the log has, the call asks nothing else: asked the same anew, over a new connection, it waits on.
//   AP2. Of what a server wants before it runs a call, the first one that has no answer yet is asked; then the call is repeated.
//   AP3. A call asks so often and no more: a server that is never content costs a person some answers, and not the rest of the day.
import { createHash } from 'node:crypto'
import { canonicalJson, type GivenAnswer, type Resumed } from '@reins/contracts'
import type { Elicitation, PersonsAnswer, Question } from '@reins/tools'

const most = 8

export type Asking =
  | { readonly kind: 'answered'; readonly answer: PersonsAnswer }
  | { readonly kind: 'ask'; readonly asked: Elicitation; readonly key: string; readonly elicitation: string }
  /** AP3. */
  | { readonly kind: 'enough' }

/** The questions of one attempt of a call, in their order. */
export class AskedPeople {
  readonly #answers: GivenAnswer[]
  /** Answers that the server has had since the call was sent: asked the same twice, it gets the next answer, or a person is asked. */
  readonly #used = new Set<string>()
  #sent = 1
  #open: { readonly key: string; readonly elicitation: string } | null = null

  constructor(resume: Resumed | undefined) {
    this.#answers = [...(resume?.answers ?? [])]
  }

  /** `fresh`: the id of a question that is asked now. */
  next(question: Question, fresh: () => string): Asking {
    const asked = question.nothingRan ? this.#first(question.asked) : question.asked
    if (!asked) return { kind: 'enough' }
    const key = keyOf(asked)
    if (this.#open)
      return this.#open.key === key
        ? { kind: 'ask', asked, key, elicitation: this.#open.elicitation } // AP4
        : { kind: 'answered', answer: { action: 'cancel' } }
    const { sent = 1 } = question.nothingRan ? {} : question
    if (sent > this.#sent) this.#used.clear()
    this.#sent = sent
    const known = question.nothingRan
      ? undefined
      : this.#answers.find((one) => one.key === key && !this.#used.has(one.elicitation))
    if (!known) {
      if (this.#answers.length >= most) return { kind: 'enough' }
      this.#open = { key, elicitation: fresh() }
      return { kind: 'ask', asked, key, elicitation: this.#open.elicitation }
    }
    this.#used.add(known.elicitation)
    const { action, content } = known
    return { kind: 'answered', answer: { action, ...(content ? { content } : {}) } }
  }

  /** The question that waits has its answer. */
  answered({ action, content }: PersonsAnswer): void {
    if (!this.#open) return
    this.#answers.push({ ...this.#open, action, ...(content ? { content } : {}) })
    this.#used.add(this.#open.elicitation)
    this.#open = null
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
