// An answer that has to fit a schema, of a model whose provider cannot hold it to one: it is given a tool that takes the answer, and has to
// call it or another one. What it calls it with is its answer; nobody sees the tool.
import {
  type JsonObject,
  isMapping,
  type ModelCompleted,
  type ModelDelta,
  type ModelFailed,
  type ModelRequest,
} from '@reins/contracts'
import type { AnswerReader, Progress } from './converse.ts'
import type { Manner } from './differences.ts'

export interface AskedByTool {
  readonly request: ModelRequest
  /** The name of the tool. */
  readonly tool: string
}

/** undefined: nothing has to fit, or the provider sees to it. */
export function askedByTool(
  request: ModelRequest,
  manner: Manner,
  takesSchema: (schema: JsonObject) => boolean = () => true,
): AskedByTool | undefined {
  const { output, ...rest } = request
  if (!output || (!manner.has('no-output-schema') && takesSchema(output.schema))) return undefined
  const tool = freeName(request.tools.map(({ name }) => name))
  return {
    tool,
    request: {
      ...rest,
      tools: [...request.tools, toolOf(tool, output.schema)],
      toolChoice: request.toolChoice === 'none' || request.tools.length === 0 ? { tool } : 'any',
    },
  }
}

const freeName = (taken: readonly string[], name = 'give_result'): string =>
  taken.includes(name) ? freeName(taken, `${name}_here`) : name

const tools = new WeakMap<JsonObject, Map<string, ModelRequest['tools'][number]>>()

/** The same object for the same schema, so that it is serialised once. */
function toolOf(name: string, schema: JsonObject): ModelRequest['tools'][number] {
  const known = tools.get(schema) ?? new Map<string, ModelRequest['tools'][number]>()
  tools.set(schema, known)
  const made = known.get(name) ?? {
    name,
    description:
      'Gives your answer, when your work is done: call it with the value, instead of writing the value as text.',
    parameters: schema,
  }
  known.set(name, made)
  return made
}

/** The same answer, with the call of the tool as its text. */
export class ResultToolReader implements AnswerReader {
  readonly #reader: AnswerReader
  readonly #tool: string
  /** What came of each call of it, by block. */
  readonly #texts = new Map<number, string>()

  constructor(reader: AnswerReader, tool: string) {
    this.#reader = reader
    this.#tool = tool
  }

  get progress(): Progress {
    return this.#reader.progress
  }
  get begun(): boolean {
    return this.#reader.begun
  }
  get ignored(): ReadonlySet<string> {
    return this.#reader.ignored
  }
  get shown(): AnswerReader['shown'] {
    return this.#reader.shown
  }

  read(value: Record<string, unknown>, name: string | undefined): readonly ModelDelta[] {
    return this.#told(this.#reader.read(value, name))
  }

  done(): void {
    this.#reader.done()
  }

  end(): { readonly deltas: readonly ModelDelta[]; readonly outcome: ModelCompleted | ModelFailed } {
    const { deltas, outcome } = this.#reader.end()
    const told = this.#told(deltas)
    return { deltas: told, outcome: outcome.type === 'completed' ? this.#answered(outcome) : outcome }
  }

  #told(deltas: readonly ModelDelta[]): readonly ModelDelta[] {
    return deltas.map((delta) => {
      if (delta.kind !== 'arguments' || delta.name !== this.#tool) return delta
      const { type, block, text } = delta
      this.#texts.set(block, (this.#texts.get(block) ?? '') + text)
      return { type, block, kind: 'text', text }
    })
  }

  #answered(outcome: ModelCompleted): ModelCompleted {
    const content = outcome.content.map((block, at) =>
      block.type === 'tool-call' && block.name === this.#tool
        ? { type: 'text' as const, text: this.#textOf(at, block.malformed, block.arguments) }
        : block,
    )
    const calls = content.some(({ type }) => type === 'tool-call')
    return { ...outcome, content, finish: outcome.finish === 'tool-calls' && !calls ? 'stop' : outcome.finish }
  }

  /** As it came, where that is JSON. */
  #textOf(block: number, malformed: string | undefined, args: Readonly<Record<string, unknown>>): string {
    const came = this.#texts.get(block) ?? ''
    return malformed ?? (isObject(came) ? came : JSON.stringify(args))
  }
}

function isObject(text: string): boolean {
  try {
    return isMapping(JSON.parse(text))
  } catch {
    return false
  }
}
