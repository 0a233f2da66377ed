// How an agent is served by a process of its own: what `reins agent start NAME --mode api` and `--mode web` have in common.
//   SM1. Such a process keeps nothing: several of them serve the same sessions, and a client goes on at any other by its cursor.
//   SM2. Whoever starts it closes it; closing ends each open stream with a last frame.
import type { TalkClient } from './conversation/talk.ts'

export interface ServingOptions {
  /** The agent that it serves. */
  readonly agent: string
  /** A request that names no session goes on with this one. Absent: it starts a new one. */
  readonly session?: string
  /** Of the gateway, as it may be shown. */
  readonly server: string
  /** A client of the gateway that sends this token. */
  connect(token: string | undefined): TalkClient
  /** The token of whoever started the process, as it is now; undefined: there is none. */
  operatorToken(): Promise<string | undefined>
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Host names that requests may name, besides those of loopback. */
  readonly allowedHosts: readonly string[]
  /** Origins of pages that may ask, besides its own. */
  readonly allowedOrigins: readonly string[]
}

export interface Serving {
  /** http://127.0.0.1:8080 */
  readonly url: string
  /** Ends open streams with a last frame, and connections after `withinMs`. */
  close(options: { readonly withinMs: number }): Promise<void>
}

/** Rejects where it cannot listen. */
export type ServingMode = (options: ServingOptions) => Promise<Serving>
