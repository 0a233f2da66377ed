// An agent in a workflow: its sessions, each with one operation at a time.
//   HN1. A session is known by the names of its harness and its own; the session below is made for its first prompt.
//   HN2. What a prompt gives is what is recorded: a text, or a value that fitted the schema when it was recorded.
//   HN3. A session is there once the code has named it, and until it deletes it; of its name there is another one then. That follows from the
//        code alone, so nothing is recorded of it.
//   HN4. What a harness itself does with files and commands, it does in its session `default`, when that has nothing else to do.
import { askedTool } from './asked-tool.ts'
import { readGiven } from './given-tools.ts'
import type { RunOperations } from '../replay/flow.ts'
import { promptImages } from './prompt-images.ts'
import { sessionFiles } from './session-files.ts'
import { shellAnswer, shellCall } from './shell-calls.ts'
import { resultSchema, type ResultSchema } from './result-schema.ts'

interface PromptOptions {
  readonly result?: unknown
  readonly args?: unknown
  readonly signal?: AbortSignal
  readonly model?: unknown
  readonly thinkingLevel?: unknown
  readonly images?: unknown
  readonly tools?: unknown
}

const toolsModel = 'none/no-model-is-asked'

type Given = Readonly<Record<string, unknown>>

const named = (name: string, message: string, more: Readonly<Record<string, unknown>> = {}): Error =>
  Object.assign(new Error(message), { name, ...more })

/** `agentNeedsModel`: the agent says "model: false", so each prompt names one. */
export function harnessOf(
  harness: string,
  agent: string,
  agentNeedsModel: boolean,
  valueChars: number,
  operations: RunOperations,
): object {
  const sessions = new Map<string, Kept>()
  /** How often a name was deleted (HN3). */
  const deleted = new Map<string, number>()
  let tasks = 0
  const sessionOf = (name: string): Kept => {
    const known = sessions.get(name)
    if (known) return known
    const times = deleted.get(name) ?? 0
    const place = times === 0 ? name : `task:again-${times}:${name}`
    let busy = false
    let idle: Promise<unknown> = Promise.resolve()
    /** One at a time: parallel work is work of several sessions. */
    const alone = async <T>(work: () => Promise<T>): Promise<T> => {
      if (busy)
        throw named('SessionBusyError', `The session "${name}" is at work: parallel work takes several sessions.`)
      busy = true
      const over = Promise.withResolvers<void>()
      idle = over.promise
      try {
        return await work()
      } finally {
        busy = false
        over.resolve()
      }
    }
    /** HN4. */
    const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
      while (busy) await idle
      return alone(work)
    }
    const call = async (tool: unknown, args: unknown): Promise<unknown> => {
      operations.refuseSecrets?.(`The arguments of ${String(tool)}`, [args])
      const asked = askedTool(tool, args, valueChars)
      if (asked instanceof Error) throw asked
      // No model is asked: any one will do where the agent has none.
      const model = agentNeedsModel ? { model: toolsModel } : {}
      const given = (await operations.ask('prompt', `${harness}/${place}`, { harness, ...asked, ...model })) as Given
      return given.data
    }
    const shell = async (command: unknown, options: unknown): Promise<unknown> => {
      // Before it is made one text, in which quotes may stand between its characters.
      operations.refuseSecrets?.('The command', [command, options])
      return call('shell', shellCall(command, options))
    }
    const prompt = async (session: string, text: string, options: PromptOptions): Promise<unknown> => {
      checkOptions(options)
      options.signal?.throwIfAborted()
      const asked = options.result === undefined ? undefined : resultSchema(options.result)
      const images = options.images === undefined ? [] : promptImages(options.images)
      operations.refuseSecrets?.(
        'An image',
        images.map(({ data }) => Buffer.from(data, 'base64')),
      )
      const by = answeredBy(options, agentNeedsModel)
      const given = options.tools === undefined ? undefined : await readGiven('prompt()', { tools: options.tools })
      if (given) operations.refuseSecrets?.('A tool', [given.configuration])
      return answer(
        operations.ask(
          'prompt',
          `${harness}/${session}`,
          {
            ...{ harness, message: text, ...by },
            ...(asked === undefined ? {} : { schema: asked.schema }),
            ...(images.length === 0 ? {} : { images }),
            ...(given === undefined ? {} : { more: given.configuration }),
          },
          given?.live,
        ),
        asked,
      )
    }
    const session = Object.freeze({
      name,
      prompt: async (text: unknown, options: PromptOptions = {}) =>
        alone(() => prompt(place, textOf(text, 'prompt'), options ?? {})),
      skill: async (skill: unknown, options: PromptOptions = {}) =>
        alone(() => prompt(place, skillText(skillName(skill), options?.args), options ?? {})),
      tool: async (tool: unknown, args: unknown) => alone(() => call(tool, args)),
      shell: async (command: unknown, options: unknown) =>
        alone(async () => shellAnswer(await shell(command, options))),
      compact: async () => alone(() => operations.compact(`${harness}/${place}`)),
      fs: sessionFiles((command) => alone(() => call('shell', { command })), operations.refuseSecrets),
      delete: async () => remove(name),
      task: async (text: unknown, options: PromptOptions = {}) =>
        prompt(`task:${++tasks}`, textOf(text, 'task'), options ?? {}),
    })
    const kept: Kept = {
      session,
      busy: () => busy,
      shell: (command, options) => inTurn(async () => shellAnswer(await shell(command, options))),
      fs: sessionFiles((command) => inTurn(() => call('shell', { command })), operations.refuseSecrets),
    }
    sessions.set(name, kept)
    return kept
  }
  const remove = (name: string): void => {
    const kept = sessions.get(name)
    if (kept?.busy())
      throw named('SessionBusyError', `The session "${name}" is at work: it is deleted when that has ended.`)
    if (kept) deleted.set(name, (deleted.get(name) ?? 0) + 1)
    sessions.delete(name)
  }
  return Object.freeze({
    name: harness,
    agent,
    session: async (name: unknown = 'default') => sessionOf(sessionName(name)).session,
    sessions: Object.freeze({
      get: async (name: unknown = 'default') => {
        const kept = sessions.get(sessionName(name))
        if (!kept) throw named('SessionNotFoundError', `There is no session "${String(name)}" of this harness yet.`)
        return kept.session
      },
      create: async (name: unknown = 'default') => {
        const asked = sessionName(name)
        if (sessions.has(asked))
          throw named('SessionAlreadyExistsError', `The session "${asked}" of this harness is there already.`)
        return sessionOf(asked).session
      },
      delete: async (name: unknown = 'default') => remove(sessionName(name)),
    }),
    shell: async (command: unknown, options: unknown) => sessionOf('default').shell(command, options),
    get fs() {
      return sessionOf('default').fs
    },
  })
}

interface Kept {
  readonly session: object
  busy(): boolean
  shell(command: unknown, options: unknown): Promise<unknown>
  readonly fs: object
}

function sessionName(name: unknown): string {
  if (typeof name !== 'string' || name === '' || name.length > 60)
    throw new TypeError('session() takes a name: a text of at most 60 characters')
  if (name.startsWith('task:')) throw new TypeError('names of sessions that begin with "task:" are those of tasks')
  return name
}

const known = new Set(['result', 'args', 'signal', 'model', 'thinkingLevel', 'images', 'tools'])
const thinkingLevels: readonly unknown[] = ['off', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']
const notHere: Readonly<Record<string, string>> = {
  agent:
    'a subagent is asked by the tool of its agent, await session.tool("delegate", { agent: "name", instruction: "…" }), which gives a JSON with its status and output',
  cwd: 'an agent works in the folder that it says itself: make one with this cwd at the top of this file, createAgent(() => ({ cwd: "…" })), and ask that',
}

/** What is not supported here is refused: a model or tools that are left out silently would be another agent. */
function checkOptions(options: object): void {
  const other = Object.keys(options).find((one) => !known.has(one))
  if (other === undefined) return
  const why = Object.hasOwn(notHere, other) ? `: ${notHere[other]}` : ''
  throw new TypeError(
    `"${other}" is no option of a prompt in a workflow${why}. It takes result, tools, model, thinkingLevel, images, signal and args (of a skill)`,
  )
}

/** What of a prompt is another than its agent says. */
function answeredBy({ model, thinkingLevel }: PromptOptions, agentNeedsModel: boolean): object {
  if (model !== undefined && !(typeof model === 'string' && /^[a-z0-9][a-z0-9-]*\/.+$/.test(model)))
    throw new TypeError('"model" of a prompt is a text such as "provider/model"')
  if (thinkingLevel !== undefined && !thinkingLevels.includes(thinkingLevel))
    throw new TypeError(`"thinkingLevel" of a prompt is one of ${thinkingLevels.join(', ')}`)
  if (agentNeedsModel && model === undefined)
    throw new TypeError('the agent says "model: false", so each prompt names its model: { model: "provider/model" }')
  return { ...(model === undefined ? {} : { model }), ...(thinkingLevel === undefined ? {} : { thinkingLevel }) }
}

function textOf(text: unknown, what: string): string {
  if (typeof text === 'string' && text.trim() !== '') return text
  throw new TypeError(`session.${what}() takes a text, not ${text === '' ? 'an empty one' : typeof text}`)
}

function skillName(skill: unknown): string {
  const name = typeof skill === 'object' && skill !== null && 'name' in skill ? skill.name : skill
  if (typeof name === 'string' && name !== '') return name
  throw new TypeError('session.skill() takes a skill that was imported, or the name of one')
}

const skillText = (name: string, args: unknown): string =>
  `Use the skill "${name}".${args === undefined ? '' : `\n\nArguments:\n${JSON.stringify(args, null, 2)}`}`

async function answer(operation: Promise<unknown>, asked: ResultSchema | undefined): Promise<unknown> {
  let given: Given
  try {
    given = (await operation) as Given
  } catch (error) {
    if ((error as { readonly code?: unknown } | undefined)?.code !== 'no-result') throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw named('ResultUnavailableError', reason, { code: 'no-result', reason })
  }
  const { text, data, usage, model } = given
  return asked ? { data: await asked.read(data), usage, model } : { text, usage, model }
}
