// Answers of people to servers that ask in the middle of a call. Decided in libs/session on the fold of the session itself.
//   EW1. An answer stands on the head of the fold that it was decided on: where anything came between, it is decided again.
//   EW2. What is answered has the name of the caller in it.
import {
  type ListWaiting,
  type AnswerElicitation,
  type AskedElicitationList,
  ElicitationAnswered,
  type ElicitationInfo,
  encodeCursor,
  type Head,
  isSessionId,
  ReinsError,
} from '@reins/contracts'
import { type AnswerOutcome, answerElicitation, waitingElicitations } from '@reins/session'
import type { CallService } from '../../ports.ts'
import type { SessionAgents } from '../access/session-agents.ts'
import { aboutTool } from '../access/about-tool.ts'
import { authorizeSome, type Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import { type Outcome, refused } from '../outcomes.ts'
import { fromIndex, onlyOf } from '../reads/from-index.ts'
import type { SessionFolds } from '../reads/session-folds.ts'
import { notFound } from '../writes/appender.ts'
import { receipts, type SessionWrites, type WriteOptions } from './session-writes.ts'

export interface ElicitationParts {
  readonly writes: SessionWrites
  readonly folds: SessionFolds
  readonly call: CallService
  readonly access: SessionAgents
}

export class Elicitations {
  readonly #parts: ElicitationParts
  constructor(parts: ElicitationParts) {
    this.#parts = parts
  }

  /** Those that wait now. Throws session_not_found. */
  async list(caller: Caller, session: string): Promise<readonly ElicitationInfo[]> {
    await this.#parts.access.authorize(caller, operations.listElicitations, session)
    const { fold } = await this.#parts.folds.folded(session)
    return waitingElicitations(fold.session).map(({ call, tool, state }) => ({
      ...{ type: 'elicitation' as const, mode: state.mode, elicitation_id: state.elicitation },
      ...(state.url === undefined ? {} : { url: state.url }),
      ...{ message: state.message, server_name: state.server },
      ...(state.schema === undefined ? {} : { schema: { ...state.schema } }),
      ...{ session, call, tool, state: state.accepted === undefined ? ('waiting' as const) : ('accepted' as const) },
      ...(state.expiresAt === undefined ? {} : { expiresAt: state.expiresAt }),
    }))
  }

  /** Of all sessions, from the index: throws unavailable while nobody answers for it. */
  async listAll(caller: Caller, request: ListWaiting): Promise<AskedElicitationList> {
    const allowed = authorizeSome(caller, operations.listAllElicitations)
    return fromIndex(this.#parts.call, 'elicitations.list', { ...request, ...onlyOf(allowed) })
  }

  answer(
    caller: Caller,
    session: string,
    elicitation: string,
    request: AnswerElicitation,
    options: WriteOptions = {},
  ): Promise<Outcome<ElicitationAnswered>> {
    const { action, content, completed, elicitation_id } = request
    const about = () =>
      aboutTool(
        this.#parts.folds,
        caller,
        operations.answerElicitation,
        session,
        (fold) => waitingElicitations(fold.session).find(({ state }) => state.elicitation === elicitation)?.tool,
      )
    return this.#parts.writes.write(caller, operations.answerElicitation, about, options, async () => {
      if (!isSessionId(session)) throw notFound(session)
      if (elicitation_id !== undefined && elicitation_id !== elicitation)
        throw new ReinsError('invalid_request', 'The body is not valid: elicitation_id: the path names another one.')
      let waits = false
      return {
        ...{ session, asked: `POST /v1/sessions/${session}/elicitations/${elicitation}`, body: request },
        ...{ receiptOf: elicitationAnswered, on: undefined },
        prepare: async () => async (head: Head) => {
          if (head.seq === 0) throw notFound(session)
          const fold = await this.#parts.folds.toDecide(session, head.seq)
          const outcome = answerElicitation(fold, { elicitation, action, content, completed }, caller.by)
          if (outcome.kind === 'refused') return refused(errorOf(outcome))
          waits = outcome.waits
          return outcome
        },
        settle: async (_ids, done) => {
          const { seq, n } = done.kind === 'appended' ? done.frame : done.head
          const state = waits ? 'accepted' : 'answered'
          const cursor = encodeCursor({ of: session, tree: false, seq, n, i: -1 })
          return {
            kind: done.kind === 'appended' ? 'accepted' : 'unchanged',
            receipt: { session, elicitation_id: elicitation, action, state, cursor },
          }
        },
      }
    })
  }
}

function errorOf({ code, why, by }: AnswerOutcome & { readonly kind: 'refused' }): ReinsError {
  switch (code) {
    case 'not-waiting':
      return new ReinsError('elicitation_not_found', why)
    case 'answered':
      return new ReinsError('elicitation_answered', why, by === undefined ? {} : { details: { by } })
    case 'expired':
      return new ReinsError('elicitation_expired', why)
    case 'invalid':
      return new ReinsError('invalid_request', `The body is not valid: ${why}`)
    default:
      return code satisfies never
  }
}

const elicitationAnswered = receipts(ElicitationAnswered)
