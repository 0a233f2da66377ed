// The prompts of one replay: which session below answers each, by which definition, and what it is given of the run's own. WF1 stands in
// libs/session/src/run/invoked.ts.
import {
  type BudgetLimits,
  childId,
  type EventOf,
  type ImagePart,
  type JsonObject,
  type RunError,
  runMessage,
  type SessionEvent,
  type VariedVersion,
  type VaryVersion,
} from '@reins/contracts'
import { type PromptImage, promptImages } from '@reins/code-host'
import { type Harness, lastConfigured, promptSlice, type Run, type Session, sessionsLeft } from '@reins/session'
import { type Given, givenBeside, moreOf } from './given.ts'
import { askedTool, tooMany, type Words } from './words.ts'

export interface PromptPorts {
  /** Another version of a definition, with this model or effort, or with what the run gives it. Rejects where there can be none. */
  vary(asked: Omit<VaryVersion, 'by'>, session: Session): Promise<VariedVersion>
  /** Why no answer can be held against this schema; undefined: they can. */
  schemaProblem(schema: JsonObject): Promise<string | undefined>
  /** Images of a prompt, as the log has them: kept for the session below. Rejects where they cannot be kept. */
  keepImages(child: string, images: readonly PromptImage[]): Promise<readonly ImagePart[]>
}

export type Asked =
  | { readonly kind: 'asked'; readonly prompt: EventOf<'run.prompted'>; readonly beside: readonly SessionEvent[] }
  /** The run fails. */
  | { readonly kind: 'broken'; readonly error: RunError }

/** Of the tree, that a session below may give away. */
const sessionsOfChild = 50

export class ReplayPrompts {
  readonly #session: Session
  readonly #run: Run
  readonly #ports: PromptPorts
  /** By the name of the harness; and children that are at work. */
  readonly #harnesses: Record<string, Harness>
  readonly #working = new Set<string>()
  /** By what each of them was prompted last. */
  readonly #configured = new Map<string, string>()
  readonly #fresh = new Set<string>()
  /** Of the run's budget, set aside for prompts of this replay. */
  readonly #slices: BudgetLimits[] = []

  constructor(session: Session, run: Run, ports: PromptPorts) {
    this.#session = session
    this.#run = run
    this.#ports = ports
    this.#harnesses = { ...run.harnesses }
    for (const [, { waits }] of run.operations.open()) if (waits.kind === 'prompt') this.#working.add(waits.child)
  }

  initialized(name: string, harness: Harness): void {
    this.#harnesses[name] = harness
  }

  /** Throws where the host says what no code can say. */
  async asked(said: Words): Promise<Asked> {
    const { position, name, harness, message, schema, tool, model, thinkingLevel, images, more } = said
    const { team } = this.#session
    const known =
      typeof harness === 'string' && Object.hasOwn(this.#harnesses, harness) ? this.#harnesses[harness] : null
    if (!known || !team) throw new Error('The code disturbed its host.')
    const child = childId(this.#session.id, name)
    // WF1: the host sees to it; a second one of the same session would be the word of code that disturbs it.
    if (this.#working.has(child)) throw new Error('The code disturbed its host.')
    if (!Object.hasOwn(team.children, child) && sessionsLeft(team) <= this.#fresh.size)
      return broken(
        tooMany(`asks for more than ${team.sessions} sessions. Prompt the same session again, or begin another run`),
      )
    const problem = schema === undefined ? undefined : await this.#ports.schemaProblem(schema as JsonObject)
    if (problem !== undefined)
      return broken({ code: 'invalid-schema', message: `The "result" of a prompt ${problem}.` })
    const given = moreOf(this.#session, this.#run, position, more)
    const varied = await this.#varied(known, { model, thinkingLevel, given })
    if (typeof varied !== 'string') return broken(varied)
    const shown = await this.#shown(position, child, images)
    if (!Array.isArray(shown)) return broken(shown)
    this.#working.add(child)
    this.#fresh.add(child)
    const levels = Math.max(team.levels - 1, 0)
    const sessions = Math.min(sessionsOfChild, Math.floor(Math.max(sessionsLeft(team) - this.#fresh.size, 0) / 2))
    return {
      kind: 'asked',
      prompt: {
        type: 'run.prompted',
        data: {
          ...{ position, name, harness: String(harness), child, pool: known.pool, levels, sessions },
          content: [{ type: 'text', text: String(message) }],
          ...(schema === undefined ? {} : { output: { schema: schema as JsonObject } }),
        },
      },
      beside: [
        ...this.#granted(position),
        ...this.#configuredBy(position, child, varied, known.digest),
        ...(given ? givenBeside(given) : []),
        ...shown,
        ...askedTool(runMessage(position), tool),
      ],
    }
  }

  /** Before the prompt is recorded: a replay that dies here has recorded nothing, and the next one keeps the same bytes under the same name. */
  async #shown(position: number, child: string, given: unknown): Promise<EventOf<'images.attached'>[] | RunError> {
    if (given === undefined) return []
    try {
      const images = await this.#ports.keepImages(child, promptImages(given))
      return [{ type: 'images.attached', data: { message: runMessage(position), images: [...images] } }]
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { code: 'images-not-kept', message: `The images of a prompt cannot be kept: ${why}` }
    }
  }

  #granted(position: number): readonly SessionEvent[] {
    const limits = promptSlice(this.#session, this.#slices)
    if (!limits) return []
    this.#slices.push(limits)
    return [{ type: 'budget.granted', data: { message: runMessage(position), limits } }]
  }

  #configuredBy(position: number, child: string, digest: string, own: string): readonly SessionEvent[] {
    const before = this.#configured.get(child) ?? lastConfigured(this.#run)(child) ?? own
    this.#configured.set(child, digest)
    return digest === own && before === digest
      ? []
      : [{ type: 'prompt.configured', data: { message: runMessage(position), digest } }]
  }

  /** The digest by which a prompt is answered, or why there is none. */
  async #varied(
    { digest, needsModel }: Harness,
    {
      model,
      thinkingLevel,
      given,
    }: { readonly model: unknown; readonly thinkingLevel: unknown; readonly given: Given | undefined },
  ): Promise<string | RunError> {
    if (needsModel && typeof model !== 'string') throw new Error('The code disturbed its host.')
    if (model === undefined && thinkingLevel === undefined && !given) return digest
    try {
      const asked = {
        digest,
        ...(model === undefined ? {} : { model: String(model) }),
        ...(thinkingLevel === undefined ? {} : { thinkingLevel: String(thinkingLevel) }),
        ...(given ? { more: given } : {}),
      }
      return (await this.#ports.vary(asked, this.#session)).digest
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { code: 'agent-invalid', message: `The options of a prompt cannot be had: ${why}` }
    }
  }
}

const broken = (error: RunError): Asked => ({ kind: 'broken', error })
