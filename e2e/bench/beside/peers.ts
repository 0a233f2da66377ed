// What is measured side by side.
import type { Turning } from '../turns/load.ts'

/** One thing that both do, each in its own way. */
export interface Contest {
  /** For the table: 'tool turn'. */
  readonly what: string
  readonly clients: readonly number[]
  /** How long it is measured, through the usual time. */
  readonly share: number
  /** Reins, and the peer. */
  readonly of: readonly [Contender, Contender]
}

export interface Contender extends Turning {
  /** Everything of it that runs. */
  pids(): readonly number[]
}

/** Whoever takes a message, calls the model, runs the tool, calls the model again, and answers; and can be killed in the middle. */
export interface Peer extends Contender {
  readonly name: string
  /** Begins a turn of one call to a model that is held. It may settle when the turn is over, and rejects when it was not taken. */
  beginHeld(modelUrl: string, message: string): Promise<void>
  /** SIGKILL for everything, at once. Resolves when it is gone. */
  kill(): Promise<void>
  /** Everything again. Resolves when it takes requests. */
  startAgain(): Promise<void>
  close(): Promise<void>
}

/** What has no sessions: each turn is a run of its own. */
export const contenderOf = (run: () => Promise<void>, { pids }: Pick<Contender, 'pids'>): Contender => ({
  pids,
  begin: async () => {
    await run()
    return ''
  },
  turn: run,
})
