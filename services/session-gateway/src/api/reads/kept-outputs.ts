// Whole outputs of tools, read back.
//   O1. Only what the session's own log names is served, whatever else is kept.
//   O3. A page is of what the reference names, also where it is not the last.
//   O2. A page at a time is in memory, however large the output is.
import { isSessionId, ReinsError } from '@reins/contracts'
import type { OutputStore, SessionLog } from '@reins/journal'
import type { SessionAgents } from '../access/session-agents.ts'
import type { Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import type { ErasedSessions } from '../sessions/erasures.ts'
import { notFound } from '../writes/appender.ts'
import { framesOf } from './session-folds.ts'

export interface OutputPage {
  readonly ref: string
  readonly bytes: Uint8Array
  /** Of the whole. */
  readonly size: number
}

export class KeptOutputs {
  readonly #sessions: SessionLog
  readonly #outputs: Pick<OutputStore, 'get'>
  readonly #access: SessionAgents
  readonly #erased: ErasedSessions

  constructor(sessions: SessionLog, outputs: Pick<OutputStore, 'get'>, access: SessionAgents, erased: ErasedSessions) {
    this.#erased = erased
    this.#access = access
    this.#sessions = sessions
    this.#outputs = outputs
  }

  /** `named`: a reference, or the id of the call that made the output. At most `limit` bytes from `offset` on. */
  async page(caller: Caller, session: string, named: string, offset: number, limit: number): Promise<OutputPage> {
    await this.#access.authorize(caller, operations.readOutput, session)
    if (isSessionId(session)) await this.#erased.mustBeThere(session, await this.#sessions.head(session))
    const ref = await this.#refOf(session, named) // O1
    if (ref === undefined)
      throw new ReinsError('output_not_found', `Session ${session} names no kept output ${named.slice(0, 80)}.`)
    const found = await this.#outputs.get(session, ref)
    if (!found) throw new ReinsError('output_not_found', `The output ${ref} of session ${session} is kept no more.`)
    const parts: Uint8Array[] = []
    let at = 0
    let taken = 0
    // O3.
    for await (const chunk of offset + limit < found.size ? found.compared : found.bytes) {
      const part = chunk.subarray(Math.max(0, offset - at), Math.max(0, offset + limit - at)) // O2
      at += chunk.length
      if (part.length > 0) parts.push(part)
      taken += part.length
      if (at >= offset + limit && at < found.size) break // O3: at the end it is compared
    }
    return { ref, bytes: Buffer.concat(parts, taken), size: found.size }
  }

  async #refOf(session: string, named: string): Promise<string | undefined> {
    if (!isSessionId(session)) throw notFound(session)
    let empty = true
    let ref: string | undefined
    for await (const { events } of framesOf(this.#sessions, session, 0)) {
      empty = false
      for (const event of events) {
        if (event.type !== 'tool-call.completed' && event.type !== 'tool-call.late-result') continue
        const { content = [] } = event.data
        if (event.data.ref === named) return named
        // Images, audio and files of a result are kept in the same way.
        if (content.some((block) => 'ref' in block && block.ref === named)) return named
        if (event.data.call === named) ref = event.data.ref ?? ref
      }
    }
    if (empty) throw notFound(session)
    return ref
  }
}
