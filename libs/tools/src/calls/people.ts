// What a tool may ask a person in the middle of a call, and what comes back. Who is asked, and how long that takes, is the runner's.
import type { ElicitationAction, ElicitationContent } from '@reins/contracts'

export type Elicitation =
  | {
      readonly mode: 'form'
      readonly server: string
      readonly message: string
      readonly schema: Readonly<Record<string, unknown>>
    }
  | {
      readonly mode: 'url'
      readonly server: string
      readonly message: string
      readonly url: string
      /** As the server names it, in its notice that the person is done. */
      readonly id: string
    }

/** What to ask. `nothingRan`: the server refused the call until then, so nothing of it ran. */
export type Question =
  /** `sent`: how often the call was sent to the server by then, where that is more than once: it asks the same again. */
  | { readonly nothingRan: false; readonly asked: Elicitation; readonly sent?: number }
  /** All that the server wants: the first one that has no answer yet is asked. */
  | { readonly nothingRan: true; readonly asked: readonly Elicitation[] }

export interface PersonsAnswer {
  readonly action: ElicitationAction
  readonly content?: ElicitationContent
}

/** Rejects where the call is over before there is an answer. */
export type AskPerson = (question: Question, signal: AbortSignal) => Promise<PersonsAnswer>
