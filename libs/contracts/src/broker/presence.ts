// What instances say to each other on core subjects: liveness, never facts (PROTOCOL 6). A lost message costs time, nothing else.

/** One running thing: a model call or tool call of a session, at an attempt. */
export interface Holding {
  readonly session: string
  readonly call: string
  readonly attempt: number
  /** A tool call's: the sequence of the frame that asked for it. */
  readonly frame?: number
}

/** A session that waits for a slot for its model call. `since`: epoch ms. */
export interface QueuedSession {
  readonly session: string
  readonly since: number
}

/** A tool call that has shown nothing for a while. `since`: epoch ms, of its last sign. */
export interface SlowCall {
  readonly session: string
  readonly call: string
  readonly name: string
  readonly since: number
}

/**
 * `hb.<service>.<instance>`, each 250 ms: what was begun and ended since the last one; every 2 s `whole` lists everything.
 * `pools`: the keys that the instance serves. `slots`, `busy`: calls that it can run, and runs. `waiting`: how many sessions wait for
 * a slot there, and since when the first does; `queued` names the first thousand, whenever that has changed, and with `whole`.
 * `slow` names the first hundred slow calls, whenever they have changed, and with `whole`.
 * `leaving`: it is shutting down and takes nothing new.
 */
export interface Heartbeat {
  readonly instance: string
  readonly pools: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly slots: number
  readonly busy: number
  readonly waiting?: { readonly count: number; readonly since: number }
  readonly queued?: readonly QueuedSession[]
  readonly slow?: readonly SlowCall[]
  readonly begun?: readonly Holding[]
  readonly ended?: readonly Holding[]
  readonly whole?: readonly Holding[]
  readonly leaving?: boolean
}

/** Requests on `ctl.<instance>`. `running`: still running this call at this attempt? `abort`: its outcome is in the log, stop it. */
export type ControlRequest = ({ readonly ask: 'running' } & Holding) | ({ readonly ask: 'abort' } & Holding)
export type ControlReply = { readonly running: boolean }
