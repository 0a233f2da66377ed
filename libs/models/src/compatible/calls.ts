// The calls of one answer, put together from their parts. Servers tell them apart by index, by id, by both, by neither, or by one of
// them that is always the same.
//   L1. An id that is known continues its call, whatever the index. A new id with a name begins a call, whatever the index.
//   L2. Without an id: an index that is known continues its call, unless the name changes, or the call is whole and a whole one comes.
//   L3. With neither, a name begins a call (unless it repeats that of a call that is not whole), and a text belongs to the last call;
//       where a chunk has several, to that in the same position.
//   L4. A text that belongs to no call is kept until its name comes; what never gets one is an error, not a call without arguments.
//   L5. The same call twice, word for word and under the same id, is one. A part that begins with all that came before it is the
//       whole so far, and not one more piece, where both together could never be JSON.
import type { ModelDelta, ProviderData } from '@reins/contracts'
import type { Answer } from '../answer/answer.ts'
import { isWhole, writeArguments } from '../answer/arguments.ts'
import { FaultError } from '../failure/failure.ts'
import { isRecord } from '../http/foreign.ts'
import type { CallPart } from './chat-schema.ts'

interface Call {
  readonly key: string
  index: number | undefined
  id: string
  name: string
  text: string
  /** The end of the text that the answer does not have yet. By itself: a slice of the text would keep all of it, for each piece. */
  untold: string
  provided: Record<string, unknown>
  chunk: number
}

interface Part {
  readonly index: number | undefined
  readonly id: string
  readonly name: string
  readonly text: string
  readonly provided: Record<string, unknown>
}

export class Calls {
  readonly #answer: Answer
  readonly #model: string
  readonly #tools: ReadonlySet<string>
  readonly #calls: Call[] = []
  #chunk = 0

  /** `model`: provider/model, whose data it is that goes back. */
  constructor(answer: Answer, model: string, tools: readonly { readonly name: string }[]) {
    this.#answer = answer
    this.#model = model
    this.#tools = new Set(tools.map(({ name }) => name))
  }

  get some(): boolean {
    return this.#calls.length > 0
  }

  /** The parts of one chunk. */
  read(given: readonly CallPart[]): readonly ModelDelta[] {
    this.#chunk++
    const parts = given.map(partOf)
    return parts.flatMap((part, at) => this.#take(part, at, parts.length))
  }

  /**
   * The answer is over: calls of which nothing but the name came begin now. `unknown`: fields of calls that no schema knows, in
   * one of which the arguments of such a call may be.
   */
  end(unknown: readonly string[]): readonly ModelDelta[] {
    const bare = this.#calls.find((call) => call.name !== '' && call.text.trim() === '')
    if (bare && unknown.length > 0) {
      const message = `the call of ${bare.name} came without arguments, and with ${unknown.join(', ')}, which is not understood`
      throw new FaultError({ kind: 'broken-call', message })
    }
    const deltas = this.#tell(this.#calls.length)
    const orphan = this.#calls.find((call) => call.name === '' && call.text.trim() !== '')
    if (orphan) {
      const said = orphan.text.trim().slice(0, 100)
      throw new FaultError({ kind: 'broken-call', message: `arguments came that belong to no call: ${said}` })
    }
    for (const call of this.#calls) {
      if (call.name === '' || Object.keys(call.provided).length === 0) continue
      const provided: ProviderData = { model: this.#model, data: call.provided }
      this.#answer.provided(call.key, provided)
    }
    return deltas
  }

  #take(part: Part, at: number, several: number): readonly ModelDelta[] {
    const nothing = part.id === '' && part.name === '' && part.text === '' && part.index === undefined
    if (nothing && Object.keys(part.provided).length === 0) return []
    const known = this.#find(part, at, several)
    const call = known ?? this.#begin(part)
    if (known) {
      if (known.index === undefined) known.index = part.index
      if (known.id === '') known.id = part.id
      // L5, and names that come in pieces.
      if (part.text !== '' && part.text === known.text && part.id === known.id && isWhole(known.text)) return []
      if (part.name !== '' && part.name !== known.name) known.name = joined(known.name, part.name)
    }
    call.chunk = this.#chunk
    const piece = known ? newIn(part.text, known.text) : part.text
    call.text += piece
    call.untold += piece
    Object.assign(call.provided, part.provided)
    return call.text === '' || call.name === '' ? [] : this.#tell(this.#calls.indexOf(call) + 1)
  }

  #begin({ index, id, name }: Part): Call {
    const call: Call = {
      ...{ key: `call ${this.#calls.length}`, index, id, name, text: '', untold: '' },
      provided: {},
      chunk: this.#chunk,
    }
    this.#calls.push(call)
    return call
  }

  /** undefined: a new one. */
  #find(part: Part, at: number, several: number): Call | undefined {
    const { index, id, name } = part
    const last = this.#calls.at(-1)
    const byId =
      id === ''
        ? undefined
        : (this.#calls.findLast((call) => call.id === id && (index === undefined || call.index === index)) ??
          this.#calls.findLast((call) => call.id === id))
    if (byId) return this.#isAnother(byId, part) ? undefined : byId
    const byIndex = index === undefined ? undefined : this.#calls.findLast((call) => call.index === index)
    if (byIndex) {
      const otherId = id !== '' && byIndex.id !== ''
      // An id that changes with every part names nothing; but the text of a new call must not run into a whole one.
      if (otherId) return name !== '' || isWhole(byIndex.text) ? undefined : byIndex
      return this.#isAnother(byIndex, part) ? undefined : byIndex
    }
    if (index !== undefined) {
      const only = last && last.index === undefined && id === '' && name === '' ? last : undefined
      return only
    }
    if (id !== '') {
      if (name !== '' || !last) return undefined
      return last.id === '' || !isWhole(last.text) ? last : undefined
    }
    if (name === '') return several > 1 ? this.#calls.at(at - several) : last
    if (!last || last.chunk === this.#chunk || last.name !== name) return undefined
    return this.#isAnother(last, part) ? undefined : last
  }

  /** Whether a part that names itself begins a call beside `call`, whose id or place it has. */
  #isAnother(call: Call, { name, text, id }: Part): boolean {
    if (name === '' || call.name === '') return false
    if (name !== call.name) {
      const pieces = call.text === '' && (id !== '' || this.#tools.has(joined(call.name, name)))
      return !pieces
    }
    // The piece first: it is short, and the text so far is looked at only where that is whole.
    if (text.trim() === '' || !isWhole(text) || !isWhole(call.text)) return false
    return id === '' || text !== call.text
  }

  /** Gives the answer what it does not have yet of the first calls: in their order, so that they keep it. */
  #tell(count: number): readonly ModelDelta[] {
    const deltas: ModelDelta[] = []
    for (const call of this.#calls.slice(0, count)) {
      if (call.name === '') continue
      if (!this.#answer.has(call.key)) this.#answer.call(call.key, call.id === '' ? undefined : call.id, call.name)
      if (call.untold === '') continue
      deltas.push(...this.#answer.arguments(call.key, call.untold))
      call.untold = ''
    }
    return deltas
  }
}

/** L5. Behind `{"x` no JSON goes on with `{"x`: inside of a string the quote would end it before a letter, outside no bracket may stand. */
function newIn(text: string, before: string): string {
  // Most pieces are shorter, and the text so far is not looked at for each of them.
  if (text.length < before.length || !/^\s*\{\s*"[\w$-]/.test(text)) return text
  return /^\s*\{\s*"[\w$-]/.test(before) && text.startsWith(before) ? text.slice(before.length) : text
}

/** Some servers send a name in pieces, some the whole so far each time. */
function joined(before: string, next: string): string {
  return next.startsWith(before) ? next : before + next
}

function partOf(part: CallPart): Part {
  const { index, id, extra_content, provider_specific_fields } = part
  const fn = part.function
  const given = fn?.arguments ?? fn?.parameters ?? fn?.input ?? part.arguments ?? part.input ?? part.custom?.input
  return {
    index,
    id: id ?? '',
    name: (part.function?.name ?? part.name ?? part.custom?.name ?? '').trim(),
    text: textOf(given),
    provided: {
      ...(extra_content === undefined ? {} : { extra_content }),
      ...(provider_specific_fields === undefined ? {} : { provider_specific_fields }),
    },
  }
}

function textOf(given: unknown): string {
  if (typeof given === 'string') return given
  if (given === undefined || given === null) return ''
  // What a server puts there before the pieces come; a call of which none come has no arguments.
  if (isRecord(given) && Object.keys(given).length === 0) return ''
  return writeArguments(given)
}
