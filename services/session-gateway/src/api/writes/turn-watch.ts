// What becomes of one message: looks at the events of its session, in order, until the turn that holds it has ended. Pure.
import { noUsage, type SessionEvent, type TurnResult } from '@reins/contracts'

export type TurnEnd = TurnResult['turn']

export class TurnWatch {
  readonly #message: string
  #turn: string | undefined
  /** The text of the latest answer by its call; turn.completed names the one that counts. */
  #answer = { call: '', text: '' }

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
      case 'turn.completed': {
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
