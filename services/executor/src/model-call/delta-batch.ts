// Deltas on their way to LIVE. A model's chunks bring many tokens at once; each delta of its own would be a message and a system
// call, several times what the events of the turn cost.
//   D1. What arrives in one turn of the event loop and continues the same block leaves as one delta. Nothing waits for a clock:
//       a token that arrives alone leaves alone, at the end of that turn.
//   D2. Order is kept. `flush` is called before the outcome is appended, so that no delta comes behind the event that holds its text.
import type { Delta } from '@reins/contracts'

export class DeltaBatch {
  readonly #publish: (delta: Delta) => void
  #held: Delta | undefined
  #scheduled: NodeJS.Immediate | undefined

  constructor(publish: (delta: Delta) => void) {
    this.#publish = publish
  }

  push(delta: Delta): void {
    const held = this.#held
    if (held && continues(held, delta)) this.#held = { ...held, text: held.text + delta.text }
    else {
      this.flush()
      this.#held = delta
    }
    this.#scheduled ??= setImmediate(() => this.flush())
  }

  flush(): void {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    const held = this.#held
    this.#held = undefined
    if (held) this.#publish(held)
  }
}

const continues = (held: Delta, next: Delta): boolean =>
  next.call === held.call &&
  next.attempt === held.attempt &&
  next.block === held.block &&
  next.kind === held.kind &&
  next.tool === held.tool &&
  next.toolCall === held.toolCall &&
  next.offset === held.offset + held.text.length
