// What a model was sent in a call of the past: made again from the log up to the frame that announced the call, and held against the
// digest that the announcement has.
import { type Prompt, promptOf, type Settings } from '@reins/context'
import { type EventOf, type Frame, isSessionId, knownEvents, ReinsError, type SessionPrompt } from '@reins/contracts'
import { evolve, type Session } from '@reins/session'
import type { SessionAgents } from '../access/session-agents.ts'
import type { Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import { notFound } from '../writes/appender.ts'
import type { ErasedSessions } from '../sessions/erasures.ts'
import { type FoldParts, foldBefore } from './fold-before.ts'
import { framesOf, type SessionFolds } from './session-folds.ts'

export interface PromptParts extends FoldParts {
  readonly folds: SessionFolds
  readonly access: SessionAgents
  readonly erased: ErasedSessions
  /** What a pinned definition means for model calls. */
  readonly settingsOf: (digest: string) => Promise<Settings>
}

interface Announced {
  readonly session: Session
  readonly event: EventOf<'model-call.started'>
  readonly frame: Frame
}

/** The window of a call whose recipe does not say it: wide enough that nothing is left out. */
const wide = Number.MAX_SAFE_INTEGER

export class Prompts {
  readonly #parts: PromptParts

  constructor(parts: PromptParts) {
    this.#parts = parts
  }

  /** Of the latest call where none is named, and of its latest attempt. Throws session_not_found, call_not_found. */
  async prompt(
    caller: Caller,
    session: string,
    asked: { readonly call?: string; readonly attempt?: number },
  ): Promise<SessionPrompt> {
    await this.#parts.access.authorize(caller, operations.readPrompt, session)
    if (!isSessionId(session)) throw notFound(session)
    const { fold } = await this.#parts.folds.folded(session)
    await this.#parts.erased.mustBeThere(session, fold.head)
    const call = asked.call ?? fold.session.sent?.call
    if (call === undefined)
      throw new ReinsError(
        'call_not_found',
        `Session ${session} has called no model yet, or its calls were recorded by an older Reins: name one of them.`,
      )
    const announced = await this.#announced(session, call, asked.attempt)
    if (!announced) {
      const which = asked.attempt === undefined ? '' : ` with attempt ${asked.attempt}`
      throw new ReinsError('call_not_found', `Session ${session} has no model call ${call.slice(0, 80)}${which}.`)
    }
    return this.#shown(announced)
  }

  /** The id of a model call names the frame in which it began. */
  async #announced(id: string, call: string, attempt: number | undefined): Promise<Announced | undefined> {
    const first = /^c([1-9]\d{0,14})$/.exec(call)?.[1]
    if (first === undefined) return undefined
    const before = await foldBefore(this.#parts, id, Number(first))
    let { session } = before
    let found: Announced | undefined
    for await (const frame of framesOf(this.#parts.sessions, id, before.head.seq)) {
      for (const event of knownEvents(frame)) {
        session = evolve(session, event, frame)
        if (event.type !== 'model-call.started') continue
        if (event.data.call === call && (attempt ?? event.data.attempt) === event.data.attempt)
          found = { session, event, frame }
        // Another call has begun: this one has no more attempts.
        else if (found && event.data.call !== call) return found
      }
      if (found && session.turn === null) return found
    }
    return found
  }

  async #shown({ session, event, frame }: Announced): Promise<SessionPrompt> {
    const { call, attempt, model, prompt: recipe } = event.data
    const known = await this.#parts.settingsOf(session.born?.digest ?? '')
    if (known.kind === 'unusable')
      throw new ReinsError('unavailable', `What was sent cannot be made again. ${known.why}`, {
        next: 'Nothing was changed: the events of the session have what was said. reins session events',
      })
    const made = promptOf(session, known.settings, recipe?.window ?? wide)
    const { settings, final, system, tools, messages, notices } = made
    const differs = recipe ? differing(recipe, made) : []
    return {
      ...{ session: session.id, call, attempt, model, at: frame.at },
      check: recipe === undefined ? 'unrecorded' : differs.length > 0 ? 'differs' : 'agrees',
      ...(differs.length > 0 ? { differs } : {}),
      ...(recipe === undefined ? {} : { recipe }),
      ...{ system, tools: [...tools], messages: [...messages], notices: [...notices] },
      ...(final ? { final: true as const } : {}),
      maxTokens: settings.maxTokens,
      ...(settings.reasoningEffort === undefined ? {} : { reasoningEffort: settings.reasoningEffort }),
    }
  }
}

const parts = ['system', 'tools', 'messages', 'notices'] as const

const differing = (recorded: NonNullable<SessionPrompt['recipe']>, { recipe }: Prompt): (typeof parts)[number][] =>
  recorded.digest === recipe.digest ? [] : parts.filter((part) => recorded.parts[part] !== recipe.parts[part])
