// Where a person at the chat answers what servers ask: one question at a time, and a form field by field.
//   QD1. Keys count from a moment after a question is shown, and where nothing else is being typed: nobody answers by what they
//        were typing.
//   QD2. A question is answered once. A second key before the answer stands in the session does nothing.
//   QD3. A page is opened after its question was accepted, and its address is said: whoever has no browser here opens it elsewhere.
//   QD4. A field is checked when it was typed, and the whole form by the server of Reins. What was typed is offered again.
import { type AnswerElicitation, fieldProblem } from '@reins/contracts'
import type { PendingQuestion } from '@reins/transcript'
import { filledIn, formFields } from '../../elicitations/form-fields.ts'
import type { ReinsClient } from '../../client-port.ts'
import type { CliContext } from '../../context.ts'
import { neutralise, oneLine } from '../../text/neutralise.ts'
import type { Key } from '../typing/keys.ts'
import { type Filling, questionKey, type QuestionView } from './question-prompt.ts'

/** The chat around it. */
export interface DeskPort {
  readonly client: Pick<ReinsClient, 'elicitations'>
  readonly context: Pick<CliContext, 'sleep' | 'openPage'>
  session(): string | undefined
  /** What stands in the editor. */
  typed(): string
  retype(text: string): void
  note(text: string): void
  fail(error: unknown): void
}

/** From when a question is shown until a key answers it. */
const beforeKeysMs = 400

export class QuestionDesk {
  readonly #port: DeskPort
  #questions: readonly PendingQuestion[] = []
  #shown: PendingQuestion | undefined
  /** QD1. */
  #ready = false
  #seen = new AbortController()
  /** QD2: the question, and its page's state, to which an answer is under way. */
  #sent: string | undefined
  #filling: Filling | undefined
  #values: Record<string, string> = {}

  constructor(port: DeskPort) {
    this.#port = port
  }

  /** The person is in the middle of a form: the editor is the desk's. */
  get filling(): boolean {
    return this.#filling !== undefined
  }

  get view(): QuestionView | undefined {
    if (!this.#shown) return undefined
    const view = { question: this.#shown, others: this.#questions.length - 1 }
    return this.#filling ? { ...view, filling: this.#filling } : view
  }

  /** What the empty editor says. */
  get placeholder(): string | undefined {
    const field = this.#filling && formFields(this.#shown?.schema)[this.#filling.at]
    return field && oneLine(field.name)
  }

  /** `aside`: something else wants an answer first. */
  attend(questions: readonly PendingQuestion[], aside: boolean): void {
    this.#questions = questions
    const held = this.#filling && questions.find((one) => one.elicitation === this.#shown?.elicitation)
    const next = held ?? (aside ? undefined : questions[0])
    const before = this.#shown
    this.#shown = next
    if (markOf(next) === markOf(before)) return
    if (next?.elicitation !== before?.elicitation) {
      if (this.#filling) this.#port.retype('')
      this.#filling = undefined
      this.#values = {}
    }
    this.#seen.abort()
    this.#seen = new AbortController()
    this.#ready = false
    if (!next) return
    const { signal } = this.#seen
    void this.#port.context.sleep(beforeKeysMs, signal).then(() => {
      if (!signal.aborted) this.#ready = true
    })
  }

  /** Whether the key was one that answers. */
  onKey(key: Key): boolean {
    const question = this.#shown
    if (!question || !this.#ready || this.#sent === markOf(question)) return false
    if (this.#filling) return this.#onFormKey(question, this.#filling, key)
    if (this.#port.typed() !== '') return false
    const wanted = questionKey(key, question)
    if (wanted === undefined) return false
    if (wanted !== 'yes') void this.#answer(question, { action: wanted === 'no' ? 'decline' : 'cancel' })
    else if (question.mode === 'form') this.#ask(question, 0)
    else if (question.page === 'opened') void this.#answer(question, { action: 'accept', completed: true })
    else void this.#openPage(question)
    return true
  }

  #onFormKey(question: PendingQuestion, { at }: Filling, key: Key): boolean {
    if (key.kind !== 'key') return false
    if (key.name === 'interrupt' || key.name === 'escape') {
      this.#stopFilling()
      void this.#answer(question, { action: 'cancel' })
      return true
    }
    if (key.name !== 'enter') return false
    const field = formFields(question.schema)[at]
    if (!field) return false
    const typed = this.#port.typed().trim()
    const problem = problemOf(question, field.name, typed, field.required)
    if (problem !== null) {
      this.#filling = { at, problem }
      return true
    }
    this.#values = { ...this.#values, [field.name]: typed }
    this.#ask(question, at + 1)
    return true
  }

  /** The field `at`, or the whole to the server where there is none. */
  #ask(question: PendingQuestion, at: number): void {
    const field = formFields(question.schema)[at]
    if (field) {
      this.#filling = { at }
      const known = Object.hasOwn(this.#values, field.name) ? this.#values[field.name] : field.preset
      this.#port.retype(neutralise(known ?? ''))
      return
    }
    this.#stopFilling()
    const given = Object.fromEntries(
      formFields(question.schema).flatMap(({ name, required }) => {
        const text = this.#values[name] ?? ''
        return text === '' && !required ? [] : [[name, text]]
      }),
    )
    void this.#answer(question, { action: 'accept', content: filledIn(question.schema, given) })
  }

  #stopFilling(): void {
    if (this.#filling) this.#port.retype('')
    this.#filling = undefined
  }

  /** QD3. */
  async #openPage(question: PendingQuestion): Promise<void> {
    const { url = '' } = question
    if (!(await this.#answer(question, { action: 'accept' }))) return
    const opened = (await this.#port.context.openPage?.(url).catch(() => false)) ?? false
    this.#port.note(
      opened
        ? `Your browser opens ${oneLine(url)}`
        : `No browser could be started here. Open this page yourself: ${oneLine(url)}`,
    )
  }

  /** Whether it was taken. */
  async #answer(question: PendingQuestion, answer: AnswerElicitation): Promise<boolean> {
    const session = question.of?.session ?? this.#port.session()
    if (session === undefined) return false
    const mark = markOf(question)
    this.#sent = mark
    try {
      await this.#port.client.elicitations.answer(session, question.elicitation, answer)
      return true
    } catch (error) {
      if (this.#sent === mark) this.#sent = undefined
      this.#port.fail(error)
      return false
    }
  }
}

const markOf = (question: PendingQuestion | undefined): string | undefined =>
  question && `${question.elicitation} ${question.page}`

/** QD4. null: it may be sent. */
function problemOf({ schema }: PendingQuestion, name: string, typed: string, required: boolean): string | null {
  const properties = schema?.properties
  const field = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined
  const kind = isObject(field) ? field : {}
  if (typed === '' && !required) return null
  if (typed === '' && kind.type !== 'array') return 'it is required.'
  const value = filledIn(schema, { [name]: typed })[name]
  return value === undefined ? null : fieldProblem(kind, value)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
