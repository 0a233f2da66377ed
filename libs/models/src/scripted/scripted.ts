// The built-in model: no key, no network. It answers by simple rules (commands.ts, ../../README.md), so that the first
// minute, demos, tests and benchmarks work offline.
//   S1. The same request gives the same answer: what was done of a plan is counted in the history, ids come from it, and there
//       is no clock and no chance in it.
//   S2. But one thing: `fail … once` cannot be told from the request, since a failed call leaves nothing in the history. So the
//       provider remembers how often it failed for a request (session, number of messages, text). Another process does not
//       know: there it fails again.
import { setTimeout as wait } from 'node:timers/promises'
import {
  correctionLine,
  estimateTokens,
  type ModelEvent,
  type ModelMessage,
  type ModelProvider,
  type ModelRequest,
  type ToolSpec,
} from '@reins/contracts'
import { Answer } from '../answer/answer.ts'
import { outcome } from '../answer/outcome.ts'
import type { Subject } from '../failure/failure.ts'
import { isRecord } from '../http/foreign.ts'
import { guard } from '../requests/guard.ts'
import { exampleOf } from './example-of.ts'
import { type Call, type Ending, failureCodes, parsePlan } from './commands.ts'

export const scriptedModels = ['assistant', 'echo'] as const

export interface ScriptedOptions {
  /** Between tokens, in milliseconds; 0 gives them all at once. */
  readonly tokenIntervalMs: number
}

const window = 200_000
const remembered = 10_000
const ignored: ReadonlySet<string> = new Set()

export function createScripted(options: ScriptedOptions): ModelProvider {
  const failures = new Map<string, number>()
  /** S2: whether a failure that is meant to happen `times` times is due. */
  const due = (request: ModelRequest, text: string, times: number | undefined): boolean => {
    if (times === undefined) return true
    const key = `${request.cacheKey}\n${request.messages.length}\n${text}`
    const count = failures.get(key) ?? 0
    if (count >= times) return false
    const oldest = failures.keys().next().value
    if (failures.size >= remembered && oldest !== undefined) failures.delete(oldest)
    failures.set(key, count + 1)
    return true
  }
  return {
    name: 'scripted',
    contextWindow: () => window,
    stream(request, signal) {
      const subject: Subject = { provider: 'scripted', model: request.model, baseUrl: '', secrets: [] }
      return guard(
        async (telling) => {
          for await (const event of answer(request, subject, signal, options, due)) {
            telling.tell(event)
            if (telling.left) return
            await telling.room()
          }
        },
        subject,
        signal,
      )
    },
  }
}

type Block =
  | { readonly kind: 'text' | 'reasoning'; readonly tokens: readonly string[] }
  | { readonly kind: 'call'; readonly id: string; readonly name: string; readonly args: string }

type Script =
  | { readonly kind: 'answer'; readonly blocks: readonly Block[]; readonly everyMs?: number | undefined }
  | { readonly kind: 'fail'; readonly event: Extract<ModelEvent, { type: 'failed' }>; readonly after: number }
  | { readonly kind: 'hang' }

async function* answer(
  request: ModelRequest,
  subject: Subject,
  signal: AbortSignal,
  options: ScriptedOptions,
  due: (request: ModelRequest, text: string, times: number | undefined) => boolean,
): AsyncGenerator<ModelEvent> {
  const script = write(request, due)
  const everyMs = script.kind === 'answer' ? (script.everyMs ?? options.tokenIntervalMs) : options.tokenIntervalMs
  const pause = async (): Promise<void> => {
    if (request.stream && everyMs > 0) await wait(everyMs, undefined, { signal })
    else signal.throwIfAborted()
  }
  const grown = new Answer()
  if (script.kind === 'fail') {
    for (let at = 0; at < script.after; at++) {
      await pause()
      yield* grown.text('text', `tok${at} `)
    }
    yield script.event
    return
  }
  if (script.kind === 'hang') {
    yield* grown.text('text', 'Hanging')
    await new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    return
  }

  let told = 0
  let cut = false
  for (const [at, block] of script.blocks.entries()) {
    if (cut) break
    if (block.kind === 'call') {
      grown.call(at, block.id, block.name)
      for (const piece of request.stream ? (block.args.match(/[\s\S]{1,16}/g) ?? []) : [block.args]) {
        await pause()
        yield* grown.arguments(at, piece)
      }
      continue
    }
    const left = request.maxTokens - told
    const tokens = block.tokens.length > left ? block.tokens.slice(0, left) : block.tokens
    cut = tokens.length < block.tokens.length
    told += tokens.length
    for (const token of request.stream ? tokens : [tokens.join('')]) {
      await pause()
      yield* block.kind === 'text' ? grown.text(at, token) : grown.reasoning(at, token)
    }
  }
  yield* grown.close()
  const usage = usageOf(request, script.blocks, told)
  const ending = {
    finish: cut ? 'length' : 'stop',
    usage,
    model: request.model,
    ignored,
    maxTokens: request.maxTokens,
    // Its calls are calls: what it says in marks, it was told to say.
    tools: [],
  } as const
  yield outcome(grown, ending, subject)
}

function usageOf(request: ModelRequest, blocks: readonly Block[], told: number) {
  const input = request.messages.reduce(
    (sum, message) => sum + estimateTokens(message),
    Math.ceil(request.system.length / 4),
  )
  const calls = blocks.reduce((sum, block) => sum + (block.kind === 'call' ? Math.ceil(block.args.length / 4) : 0), 0)
  const reasoning = blocks.reduce((sum, block) => sum + (block.kind === 'reasoning' ? block.tokens.length : 0), 0)
  return {
    inputTokens: input,
    outputTokens: told + calls,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: Math.min(reasoning, told),
  }
}

function write(
  request: ModelRequest,
  due: (request: ModelRequest, text: string, times: number | undefined) => boolean,
): Script {
  const asked = request.messages.findLastIndex((message) => message.role === 'user' && !isCorrection(message))
  const message = request.messages[asked]
  const parts = message?.role === 'user' ? message.content.map((part) => part.text) : []
  const text = parts.join('\n')
  if (request.system.startsWith('You summarise a conversation')) return say(summarised(text))
  if (request.model === 'echo') return say(text)

  const since = request.messages.slice(asked + 1)
  // The last part may be a notice of the session: what it should know now.
  const plan = (parts.length > 1 ? parsePlan(parts.slice(0, -1).join('\n')) : undefined) ?? parsePlan(text)
  if (!plan)
    return say(
      /^fail\b/i.test(text.trim())
        ? `fail takes one of ${failureCodes.join(', ')}, then "once", "N times", "after N", "retry N".`
        : request.output
          ? JSON.stringify(exampleOf(request.output.schema))
          : chat(text, request.tools),
    )
  const done = since.filter((sent) => sent.role === 'assistant').length
  const step = plan.steps[done]
  if (step) return call(step, request, done)
  if (plan.ending?.kind === 'say') {
    const refusals = since.filter(isCorrection).length
    return say([plan.ending.text, ...plan.ending.refused][refusals] ?? plan.ending.refused.at(-1) ?? plan.ending.text)
  }
  if (plan.ending) return end(plan.ending, request, text, due)
  return say(request.output ? JSON.stringify(exampleOf(request.output.schema)) : summary(since))
}

/** What a session says of an answer that did not fit: no person has asked for it. */
const isCorrection = (message: ModelMessage): boolean =>
  message.role === 'user' && message.content[0]?.text.startsWith(correctionLine) === true

function say(text: string): Script {
  return { kind: 'answer', blocks: [{ kind: 'text', tokens: words(text) }] }
}

/** Words with the white space before them: joined, they are the text. */
function words(text: string): readonly string[] {
  return text.match(/\s*\S+(?:\s+$)?|\s+$/g) ?? []
}

function call(calls: readonly Call[], request: ModelRequest, done: number): Script {
  const missing = calls.find(({ tool }) => !request.tools.some(({ name }) => name === tool))
  if (missing) {
    const names = request.tools.map(({ name }) => name).join(', ')
    return say(
      `I would call the tool "${missing.tool}", but this agent does not have it. ${names === '' ? 'It has no tools.' : `It has: ${names}.`}`,
    )
  }
  const turn = request.messages.filter((message) => message.role === 'user').length
  const blocks = calls.map((wanted, at): Block => {
    const spec = request.tools.find(({ name }) => name === wanted.tool)
    return {
      kind: 'call',
      id: `call_${turn}_${done + 1}_${at + 1}`,
      name: wanted.tool,
      args: argumentsOf(wanted, spec),
    }
  })
  return { kind: 'answer', blocks }
}

function argumentsOf({ values }: Call, spec: ToolSpec | undefined): string {
  if (typeof values === 'string') return values
  const known = isRecord(spec?.parameters.properties) ? spec.parameters.properties : {}
  return JSON.stringify(
    Object.fromEntries(values.map(([names, value]) => [names.find((name) => name in known) ?? names[0], value])),
  )
}

function end(
  ending: Exclude<Ending, { kind: 'say' }>,
  request: ModelRequest,
  text: string,
  due: (request: ModelRequest, text: string, times: number | undefined) => boolean,
): Script {
  switch (ending.kind) {
    case 'stream': {
      const tokens = Array.from({ length: ending.count }, (_, at) =>
        at === ending.count - 1 ? `tok${at}` : `tok${at} `,
      )
      return { kind: 'answer', blocks: [{ kind: 'text', tokens }], everyMs: ending.everyMs }
    }
    case 'think':
      return {
        kind: 'answer',
        blocks: [
          { kind: 'reasoning', tokens: words(ending.thought) },
          { kind: 'text', tokens: words(ending.text) },
        ],
      }
    case 'hang':
      return { kind: 'hang' }
    case 'fail': {
      if (!due(request, text, ending.times))
        return say(
          `This time it worked: it was asked to fail with ${ending.code} ${ending.times === 1 ? 'once' : `${ending.times} times`}.`,
        )
      const message = `scripted/${request.model}: it was asked to fail with ${ending.code}.`
      const retry = ending.retryMs === undefined ? {} : { retryAfterMs: ending.retryMs }
      return { kind: 'fail', event: { type: 'failed', code: ending.code, message, ...retry }, after: ending.after }
    }
    default:
      return ending satisfies never
  }
}

const quoted = 600

function summary(since: readonly ModelMessage[]): string {
  const results = since.flatMap((message) => (message.role === 'tool' ? [message] : []))
  if (results.length === 0) return 'There is nothing to tell.'
  return results
    .map(({ name, output, error }) => {
      const text = output.length <= quoted ? output : `${output.slice(0, quoted - 150)}\n…\n${output.slice(-150)}`
      return `${name} ${error ? 'failed' : 'answered'}:\n\n\`\`\`\n${text.trimEnd()}\n\`\`\``
    })
    .join('\n\n')
}

const suggestions: readonly (readonly [tool: string, example: string])[] = [
  ['shell', '`!shell ls -la`'],
  ['list_directory', '`list`'],
  ['read_file', '`read README.md`'],
  ['write_file', '`write notes.txt: hello`'],
  ['grep', '`grep TODO`'],
]

/** What Reins gives agents beside what they are for. */
const besides: ReadonlySet<string> = new Set(['task', 'delegate', 'use_skill', 'read_skill_file', 'read_result'])

/** How a tool is called that has no word of its own here. */
function callOf(tool: ToolSpec | undefined): readonly string[] {
  if (tool === undefined) return []
  const call = `\`call ${tool.name} ${JSON.stringify(exampleOf(tool.parameters))}\``
  return call.length > 200 ? [`\`call ${tool.name} {…}\``] : [call]
}

function chat(text: string, tools: readonly ToolSpec[]): string {
  const short = text.trim().replace(/\s+/g, ' ')
  const said =
    short === '' ? 'You said nothing.' : `You said: “${short.length > 200 ? `${short.slice(0, 200)}…` : short}”`
  const known = suggestions.flatMap(([tool, example]) => (tools.some(({ name }) => name === tool) ? [example] : []))
  // Where tools have words of their own here, the words say enough.
  const examples = known.length > 0 ? known : callOf(tools.find(({ name }) => !besides.has(name)))
  const can = examples.length > 0 ? `I can use this agent's tools: try ${examples.join(', ')}. ` : ''
  return `${said}\n\nI am the scripted model that is built into Reins. I follow simple rules, without a key and without a network. ${can}\`say TEXT\` makes me say something, and \`stream 100\` makes me talk.\n\nFor a real model, set ANTHROPIC_API_KEY, OPENAI_API_KEY or OLLAMA_HOST and start again.`
}

/** Of a record that a context is to be compacted to (libs/context/src/summary.ts): what people said in it, and how long it was. */
function summarised(record: string): string {
  const lines = record.split('\n')
  const asked = lines.flatMap((line) => (line.startsWith('PERSON: ') ? [line.slice(8, 88)] : []))
  const steps = lines.filter((line) => line.startsWith('AGENT')).length
  return `The person asked: ${asked.slice(-5).join(' | ')}\nThe agent took ${steps} steps.`
}
