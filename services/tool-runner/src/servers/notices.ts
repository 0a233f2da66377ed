// Pages that people are asked to open, by the ids of their servers: a server may say by itself that a person is done. Bounded, and lost
// with the process: then the person says it.
import { type EventOf, maxElicitationMessageChars, maxElicitationUrlChars } from '@reins/contracts'
import type { Redactor } from '@reins/secrets'
import type { AskedHere } from '../calls/running-tools.ts'

const most = 10_000

export interface Awaited {
  readonly session: string
  readonly call: string
  readonly elicitation: string
}

export class Notices {
  /** The oldest first. */
  readonly #awaited = new Map<string, Awaited>()

  wait(asked: AskedHere['asked'], awaited: Awaited): void {
    if (asked.mode !== 'url') return
    const [oldest] = this.#awaited.keys()
    if (this.#awaited.size >= most && oldest !== undefined) this.#awaited.delete(oldest)
    this.#awaited.set(keyOf(asked.server, asked.id), awaited)
  }

  /** Once. */
  take(server: string, id: string): Awaited | undefined {
    const key = keyOf(server, id)
    const awaited = this.#awaited.get(key)
    this.#awaited.delete(key)
    return awaited
  }
}

const keyOf = (server: string, id: string): string => `${server}\0${id}`

/** As it is recorded: with secrets masked, since servers know some, and cut after that, since a mask may be longer than what it hides. */
export function askedEvent(
  { running: { call, attempt }, elicitation, asked, key, nothingRan, expiresMs }: AskedHere,
  now: number,
  redactor: Redactor,
): EventOf<'elicitation.requested'> {
  return {
    type: 'elicitation.requested',
    data: {
      ...{ call, elicitation, attempt, server: asked.server, mode: asked.mode, key },
      message: cut(redactor.text(asked.message), maxElicitationMessageChars),
      ...(asked.mode === 'url'
        ? { url: cut(redactor.text(asked.url), maxElicitationUrlChars) }
        : { schema: redactor.json({ ...asked.schema }) }),
      ...(nothingRan ? { nothingRan } : {}),
      ...{ timer: `elicitation-${elicitation}`, expiresAt: Math.max(0, now) + expiresMs },
    },
  }
}

const cut = (text: string, most: number): string => (text.length <= most ? text : text.slice(0, most).toWellFormed())
