// The language of the scripted model: what a message asks for. Pure. The rules are listed in ../../README.md.
import { ModelErrorCode } from '@reins/contracts'

/** A tool call, as the words of the command say it; the names of the arguments are found in the tool's schema. */
export interface Call {
  readonly tool: string
  /** Each value with the names that its argument may have, the usual one first; or the arguments as they were typed. */
  readonly values: readonly (readonly [names: readonly string[], value: string])[] | string
}

export type Ending =
  /** `refused`: what it says where that was not accepted, one after the other. */
  | { readonly kind: 'say'; readonly text: string; readonly refused: readonly string[] }
  | { readonly kind: 'stream'; readonly count: number; readonly everyMs: number | undefined }
  | { readonly kind: 'think'; readonly thought: string; readonly text: string }
  | {
      readonly kind: 'fail'
      readonly code: ModelErrorCode
      readonly times: number | undefined
      readonly after: number
      readonly retryMs: number | undefined
    }
  | { readonly kind: 'hang' }

/** Steps are answers with calls, one after another; then the ending, or else a summary of the results. */
export interface Plan {
  readonly steps: readonly (readonly Call[])[]
  readonly ending: Ending | undefined
}

export const failureCodes: readonly ModelErrorCode[] = ModelErrorCode.anyOf.map((literal) => literal.const)

const paths = ['path', 'file', 'file_path', 'filename', 'directory', 'dir']
const patterns = ['pattern', 'glob', 'query', 'regex']

/** undefined: the message is no command. */
export function parsePlan(message: string): Plan | undefined {
  const whole = message.trim()
  const plan = parseCommands(whole)
  if (plan) return plan
  const line = whole.split('\n').find((candidate) => candidate.startsWith('!'))
  const marked = line ? parseCommands(line.trim()) : undefined
  if (marked) return marked
  const run = /\brun `([^`]+)`/i.exec(whole)
  return run ? { steps: [[shell(run[1]!)]], ending: undefined } : undefined
}

/** A separator counts only where there are commands on both of its sides: text may contain it too. */
function parseCommands(text: string): Plan | undefined {
  const parts = text.split(' && then ').map(parseStep)
  const last = parts.at(-1)
  if (parts.slice(0, -1).every(isCalls) && last) {
    const steps = parts.filter(isCalls)
    return { steps, ending: isCalls(last) ? undefined : last }
  }
  const single = parseStep(text)
  if (!single) return undefined
  return isCalls(single) ? { steps: [single], ending: undefined } : { steps: [], ending: single }
}

function isCalls(step: readonly Call[] | Ending | undefined): step is readonly Call[] {
  return Array.isArray(step)
}

function parseStep(text: string): readonly Call[] | Ending | undefined {
  const calls = text.split(' & ').map(parseCall)
  if (calls.every((call) => call !== undefined)) return calls
  const call = parseCall(text)
  return call ? [call] : parseEnding(text)
}

function shell(command: string): Call {
  return { tool: 'shell', values: [[['command', 'cmd', 'script'], command]] }
}

const callForms: readonly (readonly [form: RegExp, toCall: (words: readonly string[]) => Call])[] = [
  [/^!shell\s+([\s\S]+)$/i, ([command = '']) => shell(command)],
  [/^!?run\s+`([^`]+)`$/i, ([command = '']) => shell(command)],
  [/^!?read\s+(\S+)$/i, ([path = '']) => ({ tool: 'read_file', values: [[paths, path]] })],
  [
    /^!?write\s+([^\s:]+):\s?([\s\S]*)$/i,
    ([path = '', content = '']) => ({
      tool: 'write_file',
      values: [
        [paths, path],
        [['content', 'text', 'contents'], content],
      ],
    }),
  ],
  [
    /^!?edit\s+([^\s:]+):\s?([\s\S]+?) => ([\s\S]*)$/i,
    ([path = '', before = '', after = '']) => ({
      tool: 'edit_file',
      values: [
        [paths, path],
        [['old_string', 'old_text', 'old', 'old_str', 'search', 'find'], before],
        [['new_string', 'new_text', 'new', 'new_str', 'replace', 'replacement'], after],
      ],
    }),
  ],
  [/^!?info\s+(\S+)$/i, ([path = '']) => ({ tool: 'file_info', values: [[paths, path]] })],
  [/^!?list(?:\s+(\S+))?$/i, ([path = '.']) => ({ tool: 'list_directory', values: [[paths, path]] })],
  [
    /^!?find\s+(\S+)$/i,
    ([glob = '']) => ({ tool: 'find_files', values: [[['pattern', 'glob', 'query', 'name'], glob]] }),
  ],
  [/^!?grep\s+(\S+)$/i, ([pattern = '']) => ({ tool: 'grep', values: [[patterns, pattern]] })],
  [/^!?tree(?:\s+(\S+))?$/i, ([path = '.']) => ({ tool: 'directory_tree', values: [[paths, path]] })],
  [/^!?call\s+([\w.-]+)(?:\s+([\s\S]+))?$/i, ([tool = '', args = '{}']) => ({ tool, values: args })],
]

function parseCall(text: string): Call | undefined {
  for (const [form, toCall] of callForms) {
    const found = form.exec(text.trim())
    // An optional group that did not take part is undefined: the defaults above stand for it.
    if (found) return toCall(found.slice(1))
  }
  return undefined
}

function parseEnding(text: string): Ending | undefined {
  const command = text.trim().replace(/^!/, '')
  const say = /^say\s([\s\S]*)$/i.exec(command)
  if (say) {
    const [text = '', ...refused] = say[1]!.split(' && when refused say ')
    return { kind: 'say', text, refused }
  }
  const stream = /^stream\s+(\d{1,6})(?:\s+every\s+(\d{1,6})\s*(?:ms)?)?$/i.exec(command)
  if (stream)
    return {
      kind: 'stream',
      count: Math.min(Number(stream[1]), 100_000),
      everyMs: stream[2] === undefined ? undefined : Number(stream[2]),
    }
  const think = /^think\s+([\s\S]+?)\s*\|\s*([\s\S]+)$/i.exec(command)
  if (think) return { kind: 'think', thought: think[1]!, text: think[2]! }
  if (/^hang$/i.test(command)) return { kind: 'hang' }
  const fail = /^fail\s+([\w-]+)((?:\s+(?:once|\d+ times|after \d+|retry \d+(?:\s*ms)?))*)$/i.exec(command)
  const code = failureCodes.find((known) => known === fail?.[1]?.toLowerCase())
  if (!fail || !code) return undefined
  const rest = fail[2]!
  const number = (form: RegExp): number | undefined => {
    const found = form.exec(rest)
    return found ? Number(found[1]) : undefined
  }
  const times = /\bonce\b/i.test(rest) ? 1 : number(/(\d+) times/i)
  return { kind: 'fail', code, times, after: number(/after (\d+)/i) ?? 0, retryMs: number(/retry (\d+)/i) }
}
