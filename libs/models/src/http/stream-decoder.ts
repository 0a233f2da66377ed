// Whatever a model server sends as its answer, as values of JSON: server-sent events, lines of JSON, one whole JSON, or none of these.
// Its own beginning says which it is: headers lie.
//   D1. The same bytes give the same values, wherever they are cut.
//   D2. What is no JSON is handed on as text, never dropped; only what is known to carry nothing is left out: comments, empty
//       data, heartbeats.
//   D3. A value counts when it is complete: a JSON that was cut at the end of the stream is text.
import { createParser, type EventSourceParser } from 'eventsource-parser'
import { isRecord } from './foreign.ts'
import { parseExactly } from './plain-value.ts'

export type Foreign =
  | { readonly kind: 'json'; readonly name: string | undefined; readonly value: Record<string, unknown> }
  /** `[DONE]` in any of its spellings. */
  | { readonly kind: 'done' }
  /** What is no JSON. `idle`: the standard says to pass it over; it is of use only where nothing else came. */
  | { readonly kind: 'text'; readonly name: string | undefined; readonly text: string; readonly idle: boolean }

const fields = ['data:', 'event:', 'id:', 'retry:', ':']
const doneForm = /^\[?"?\[?\s*done\s*\]?"?\]?$/i
const heartbeat = /^[:\s\-[\]"]*(ping|pong|keep-?alive|heart-?beat)[\s\-[\]"]*$/i
const longestEvent = 64 * 1024 * 1024
const longestText = 64 * 1024

export class StreamDecoder {
  /** Made when there is a piece that needs it: most answers do not. */
  #decoder: TextDecoder | undefined
  readonly #isEventStream: boolean
  /** The piece before ended with a whole character. The first piece may begin with a mark of the byte order, which the decoder takes away. */
  #whole = false
  #found: Foreign[] = []
  #beginning = ''
  #reader: { push(text: string): void; end(): void } | undefined

  constructor(contentType: string) {
    this.#isEventStream = /event-stream/i.test(contentType)
  }

  push(bytes: Uint8Array): readonly Foreign[] {
    return this.#read(this.#decode(bytes))
  }

  end(): readonly Foreign[] {
    if (this.#decoder) this.#read(this.#decoder.decode())
    if (!this.#reader && this.#beginning !== '') this.#begin(true)
    this.#reader?.end()
    return this.#take()
  }

  /** A piece that ends with a whole character, behind such a piece, needs no memory of what came before: a third of the cost. */
  #decode(bytes: Uint8Array): string {
    const last = bytes[bytes.length - 1]
    if (last === undefined) return ''
    const whole = this.#whole && last < 128
    this.#whole = last < 128
    if (whole) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    this.#decoder ??= new TextDecoder()
    return this.#decoder.decode(bytes, { stream: true })
  }

  #read(text: string): readonly Foreign[] {
    if (this.#reader) this.#reader.push(text)
    else {
      this.#beginning = (this.#beginning + text).trimStart()
      if (this.#beginning !== '') this.#begin(false)
    }
    return this.#take()
  }

  #take(): readonly Foreign[] {
    const found = this.#found
    this.#found = []
    return found
  }

  #begin(over: boolean): void {
    const text = this.#beginning
    const emit = (value: Foreign): void => void this.#found.push(value)
    if (text.startsWith('{') || text.startsWith('[')) this.#reader = jsonReader(emit)
    else if (fields.some((field) => text.startsWith(field))) this.#reader = eventReader(emit)
    else if (!over && fields.some((field) => field.startsWith(text))) return
    else this.#reader = this.#isEventStream && !text.startsWith('<') ? eventReader(emit) : pageReader(emit)
    this.#beginning = ''
    this.#reader.push(text)
  }
}

type Emit = (value: Foreign) => void

export const tooLargeText = 'one event is larger than 64 MB'
const tooLarge: Foreign = { kind: 'text', name: 'error', text: tooLargeText, idle: false }

function eventReader(emit: Emit) {
  let made: EventSourceParser | undefined
  // Made when something comes that is not whole events of one line each: most streams never need it.
  const parser = (): EventSourceParser => {
    made ??= createParser({
      maxBufferSize: longestEvent,
      onEvent: ({ event, data }) => readData(event, data, emit),
      onError(error) {
        if (error.type === 'max-buffer-size-exceeded') return emit(tooLarge)
        const line = error.type === 'unknown-field' ? (error.line ?? '').trim() : ''
        // Servers that crash write their error into the stream as it is.
        if (/^[[{]/.test(line)) readData(undefined, line, emit)
        else if (line !== '') emit({ kind: 'text', name: undefined, text: line.slice(0, longestText), idle: true })
      },
    })
    return made
  }
  // Whole lines only: of lines that are no fields the parser drops those that come in pieces (D1, D2).
  let pieces: string[] = []
  let tooLong = false
  let size = 0
  /** Nothing is left of the event before. */
  let idle = true
  return {
    push(given: string): void {
      if (tooLong) return
      const text = idle ? afterWhole(given, emit) : given
      if (text === '') return
      idle = text.endsWith('\n\n')
      const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1
      if (end > 0) {
        parser().feed(pieces.length === 0 ? text.slice(0, end) : pieces.join('') + text.slice(0, end))
        pieces = []
        size = 0
      }
      if (end < text.length) pieces.push(end === 0 ? text : text.slice(end))
      size += text.length - end
      if (size <= longestEvent) return
      tooLong = true
      pieces = []
      emit(tooLarge)
    },
    end(): void {
      // The standard drops an event without an empty line behind it; servers that end with `[DONE]` often leave that out.
      if (!tooLong && (made || pieces.length > 0)) parser().feed(`${pieces.join('')}\n\n`)
    },
  }
}

const dataField = 'data: '

/** What stands behind whole events of one line each: nearly always a piece is one of them, or some. They need no parser. */
function afterWhole(text: string, emit: Emit): string {
  let at = 0
  while (text.startsWith(dataField, at)) {
    const end = text.indexOf('\n', at)
    if (end < 0 || text[end + 1] !== '\n') break
    const data = text.slice(at + dataField.length, end)
    if (data.includes('\r')) break
    readData(undefined, data, emit)
    at = end + 2
  }
  return at === 0 ? text : text.slice(at)
}

function readData(name: string | undefined, data: string, emit: Emit): void {
  const text = data.trim()
  if (text === '') return
  if (text.length <= 16 && doneForm.test(text)) return void emit({ kind: 'done' })
  const value = parseExactly(text)
  if (isRecord(value)) return void emit({ kind: 'json', name, value })
  if (Array.isArray(value)) {
    for (const entry of value) if (isRecord(entry)) emit({ kind: 'json', name, value: entry })
    return
  }
  if (value !== undefined && typeof value !== 'string') return
  // Behind some proxies events have no empty lines between them: they are the lines of one.
  const lines = value === undefined && text.includes('\n') ? text.split('\n').map((line) => line.trim()) : []
  if (lines.length > 0 && lines.every((line) => line === '' || doneForm.test(line) || isRecord(parseExactly(line)))) {
    for (const line of lines) readData(name, line, emit)
    return
  }
  const words = typeof value === 'string' ? value : text
  if (words.startsWith(':') || heartbeat.test(words) || (name !== undefined && heartbeat.test(name))) return
  emit({ kind: 'text', name, text: words.slice(0, longestText), idle: false })
}

/** Values of JSON one after another: a whole answer, or lines. Each is handed on when its last bracket is there. */
function jsonReader(emit: Emit) {
  let pieces: string[] = []
  let size = 0
  let tooLong = false
  let depth = 0
  let quoted = false
  let escaped = false
  return {
    push(text: string): void {
      if (tooLong) return
      let from = 0
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at)
        if (quoted) {
          if (escaped) escaped = false
          else if (code === 92) escaped = true
          else if (code === 34) quoted = false
          continue
        }
        if (code === 34) quoted = true
        else if (code === 123 || code === 91) depth++
        else if (code === 125 || code === 93) {
          depth--
          if (depth > 0) continue
          depth = 0
          readData(undefined, (pieces.join('') + text.slice(from, at + 1)).replace(/^[\s,]+/, ''), emit)
          pieces = []
          size = 0
          from = at + 1
        }
      }
      if (from < text.length) pieces.push(from === 0 ? text : text.slice(from))
      size += text.length - from
      if (size <= longestEvent) return
      tooLong = true
      pieces = []
      emit(tooLarge)
    },
    end(): void {
      const rest = pieces.join('').replace(/^[\s,]+/, '')
      if (rest !== '') emit({ kind: 'text', name: undefined, text: rest.slice(0, longestText), idle: false })
    },
  }
}

/** A web page, or a plain text. */
function pageReader(emit: Emit) {
  let all = ''
  return {
    push(text: string): void {
      if (all.length < longestText) all += text
    },
    end(): void {
      const value = parseExactly(all)
      // An answer that was encoded twice.
      if (typeof value === 'string' && isRecord(parseExactly(value))) {
        readData(undefined, value, emit)
        return
      }
      const text = (typeof value === 'string' ? value : all).slice(0, longestText)
      emit({ kind: 'text', name: undefined, text, idle: false })
    },
  }
}
