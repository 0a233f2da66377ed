// Sessions of a project that is developed: each good save is also theirs, from their next turn on.
//   DS1. What an upgrade would break is not broken: the session keeps its build, and the developer reads why, once.
//   DS2. The latest so many sessions of each agent are taken along; a save must not wait for a hundred of them.
import type { SessionUpgraded } from '@reins/contracts'
import type { ReinsClient } from '../client-port.ts'
import { explainFailure, failureText } from '../failure.ts'
import { oneLine } from '../text/neutralise.ts'

interface Sessions {
  readonly sessions: Pick<ReinsClient['sessions'], 'list' | 'upgrade'>
}

const mostOfAgent = 20

export class DevSessions {
  readonly #client: Sessions
  readonly #told = new Set<string>()

  constructor(client: Sessions) {
    this.#client = client
  }

  /** Gives lines for the developer. */
  async follow(agents: readonly { readonly name: string }[]): Promise<readonly string[]> {
    const lines: string[] = []
    let upgraded = 0
    for (const { name } of agents) {
      const { sessions } = await this.#client.sessions.list({ agent: name, limit: mostOfAgent })
      for (const { id, status } of sessions) {
        if (status === 'ended') continue
        const came = await this.#one(id)
        if (typeof came !== 'string') upgraded += came.upgraded ? 1 : 0
        else if (!this.#told.has(`${id} ${came}`)) lines.push(`The session ${id} keeps its build: ${oneLine(came)}`)
        if (typeof came === 'string') this.#told.add(`${id} ${came}`)
      }
    }
    if (upgraded === 0) return lines
    return [`${upgraded === 1 ? '1 session goes' : `${upgraded} sessions go`} on with it from the next turn.`, ...lines]
  }

  /** A text: why not. */
  async #one(id: string): Promise<SessionUpgraded | string> {
    try {
      return await this.#client.sessions.upgrade(id)
    } catch (error) {
      return failureText(explainFailure(error))
        .replace(/^reins: /, '')
        .trim()
    }
  }
}
