// What becomes of one message: looks at the events of its session, in order, until the turn that holds it has ended. Pure.
import { addUsage, noUsage, type SessionEvent, type TurnResult, type Usage } from '@reins/contracts'

export type TurnEnd = TurnResult['turn']

export class TurnWatch {
  readonly #message: string
  #turn: string | undefined
  /** The text of the latest answer by its call; turn.completed names the one that counts. */
  #answer = { call: '', text: '' }
  /** Code that decides has been given the message; what its turns used since. */
  #usage: Usage | undefined

  constructor(message: string) {
    this.#message = message
  }

  /** undefined: not ended yet. */
  see(event: SessionEvent): TurnEnd | undefined {
    switch (event.type) {
      case 'turn.started':
        if (event.data.messages.includes(this.#message)) this.#turn = event.data.turn
        return undefined
      case 'message.joined':
        if (event.data.message === this.#message) this.#turn = event.data.turn
        return undefined
      case 'message.dropped':
        if (event.data.message !== this.#message) return undefined
        return { id: '', status: 'cancelled', content: '', usage: noUsage, reason: event.data.reason }
      case 'model-call.completed': {
        const text = event.data.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
        this.#answer = { call: event.data.call, text }
        return undefined
      }
      case 'run.resumed':
        if (event.data.message === this.#message) this.#usage = noUsage
        return undefined
      case 'run.paused': {
        const { position, output } = event.data
        if (!this.#usage || output.type === 'elicitation') return undefined
        const content = output.type === 'chat_response' ? (output.content ?? '') : this.#answer.text
        return { id: `p${position}`, status: 'completed', content, usage: this.#usage }
      }
      case 'run.ended': {
        const { status, output, error } = event.data
        if (!this.#usage) return undefined
        const ended = { id: 'end', usage: this.#usage }
        if (status === 'failed')
          return { ...ended, status, content: '', error: error ?? { code: 'failed', message: 'The code failed.' } }
        const content = typeof output === 'string' ? output : ''
        return { ...ended, status, content, ...(output === undefined ? {} : { result: output }) }
      }
      case 'turn.completed': {
        if (this.#usage) this.#usage = addUsage(this.#usage, event.data.usage)
        const { turn, call, usage, reason, ...data } = event.data
        if (turn !== this.#turn) return undefined
        const content = this.#answer.call === call ? this.#answer.text : ''
        const result = Object.hasOwn(data, 'result') ? { result: data.result } : {}
        return { id: turn, status: 'completed', content, ...result, usage, reason }
      }
      case 'turn.failed': {
        const { turn, usage, error, text = '', problems } = event.data
        if (turn !== this.#turn) return undefined
        return { id: turn, status: 'failed', content: text, usage, error, ...(problems ? { problems } : {}) }
      }
      case 'turn.cancelled': {
        const { turn, usage, reason } = event.data
        if (turn !== this.#turn) return undefined
        return { id: turn, status: 'cancelled', content: '', usage, reason }
      }
      default:
        return undefined
    }
  }
}
