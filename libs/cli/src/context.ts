// What the commands are given: streams, time, files, and where the server is. Nothing here or below reads the process.
import type { ReinsClient } from './client-port.ts'
import type { Bundled } from '@reins/project'
import type { ProjectTools } from './projects/project-tools.ts'
import type { CliEnvironment } from './config.ts'
import type { SignIn } from './sign-in/ports.ts'
import type { BundledSkills } from './skills/skill-folder.ts'

export interface TerminalInput {
  readonly isTTY?: boolean
  setRawMode?(on: boolean): unknown
  setEncoding(encoding: 'utf8'): unknown
  on(event: 'data', listener: (chunk: string) => void): unknown
  on(event: 'end', listener: () => void): unknown
  off(event: 'data', listener: (chunk: string) => void): unknown
  off(event: 'end', listener: () => void): unknown
  resume(): unknown
  pause(): unknown
}

export interface TerminalOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): boolean
  on(event: 'resize', listener: () => void): unknown
  on(event: 'drain', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'resize', listener: () => void): unknown
  off(event: 'drain', listener: () => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

export interface Verified {
  readonly ok: boolean
  readonly frames: number
  /** How many are signed by the service that wrote them, with a key that is known here. */
  readonly sealed?: number
  readonly problems: readonly string[]
  /** What stood before the first frame was erased: who ordered that, and when (epoch ms). */
  readonly erased?: { readonly by: string; readonly at: number }
  /** The decisions of people, and what their signatures are worth. */
  readonly decisions: readonly VerifiedDecision[]
}

export interface VerifiedDecision {
  /** The number of its frame. */
  readonly n: number
  readonly call: string
  readonly tool: string
  readonly verdict: string
  readonly approver: string
  /** Of the gateway that signed it. */
  readonly key?: string
  readonly signature: 'valid' | 'wrong' | 'unknown-key' | 'unsigned'
  readonly problem?: string
}

export interface VerifyOptions {
  /** PEM texts of public keys of gateways, beside that of this machine's data folder. */
  readonly keys: readonly string[]
}

export interface CliContext {
  readonly stdin: TerminalInput
  readonly stdout: TerminalOutput
  readonly stderr: TerminalOutput
  readonly env: CliEnvironment
  /** The admin token of this machine's data folder; undefined where there is none. */
  readAdminToken(): Promise<string | undefined>
  /** epoch ms */
  now(): number
  /** Returns after `ms`, or at once when `signal` is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** A new random text, for keys of requests. */
  makeKey(): string
  /** The text of a file; rejects like node:fs/promises. */
  readFile(path: string): Promise<string>
  /** What is in a file that is no text; rejects as readFile does. */
  readBytes(path: string): Promise<Uint8Array>
  /** What a folder holds; rejects as readFile does. Absent: no path is completed. */
  listFolder?(path: string): Promise<readonly { readonly name: string; readonly folder: boolean }[]>
  /** A TypeScript file, as it was named from the current folder, and all that it imports as one module. */
  bundle(file: string): Promise<Bundled>
  /** A folder of skills, as it was named from the current folder, with all its files. */
  bundleSkills(folder: string): Promise<BundledSkills>
  /** What is done with projects on this machine. Absent: nothing. */
  readonly projects?: ProjectTools
  /**
   * Starts a Reins in this process, on the data folder of this machine. `env`: settings beside the environment, which wins. Absent: none
   * can be started. Whoever calls it closes what it gives.
   */
  startServer?(options: {
    readonly port: string
    readonly env: Readonly<Record<string, string>>
  }): Promise<{ readonly url: string; close(): Promise<void> }>
  /** Lets the person change a text in their editor; undefined where that failed. Absent: there is no editor. */
  editText?(text: string, suffix: string): Promise<string | undefined>
  /** Shows a page (http or https) in the person's browser; whether that worked. Absent: there is no browser. */
  openPage?(url: string): Promise<boolean>
  /** Calls `listener` at each Ctrl-C (SIGINT) until the returned function is called. */
  onInterrupt(listener: () => void): () => void
  /** Calls `listener` when somebody asks the process to end (SIGTERM), as above. Absent: nobody can. */
  onTerminate?(listener: () => void): () => void
  /** `token`: a function is asked before each request. */
  connect(options: { readonly baseUrl: string; readonly token?: string | (() => Promise<string>) }): ReinsClient
  /** Signing in at identity providers. Absent: there is no folder to keep a sign-in in. */
  readonly signIn?: SignIn
  /** Re-checks the chain of hashes of a session and the signatures in it, where this process can read its frames. */
  verify?(client: ReinsClient, session: string, options: VerifyOptions): Promise<Verified>
  /** IANA name; default: the machine's. */
  readonly timeZone?: string
}
