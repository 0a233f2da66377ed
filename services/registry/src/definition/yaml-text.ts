// YAML 1.2 (and so JSON) text as plain data with places. The input is hostile until it has been through here.
//   Y1. The parser recurses, and a deep enough document kills the process inside it: nesting is counted on the tokens, before.
//   Y2. Aliases are expanded by us, on a budget of values; merge keys, custom tags, directives and several documents are refused.
//   Y3. Duplicate keys are found by us in linear time: the parser compares each key with every other.
import { itemPath, memberPath, type Problem } from '@reins/contracts'
import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml'
import { keyFault, maxDepth, maxValues, type Place, type Read, textFault } from './plain-value.ts'

export const maxTextBytes = 512 * 1024
const maxTokens = 50_000
const maxAliases = 100
const maxIndent = 200
const problemsShown = 20
const lexerMarks: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f'])

/** Reads text, or bytes that must be UTF-8. Total: every fault is a problem with its line. */
export function readYaml(source: string | Uint8Array): Read {
  const refuse = (message: string, place?: Place): Read => ({
    kind: 'problems',
    problems: [{ path: '', message, ...(place ?? {}) }],
  })
  const text = typeof source === 'string' ? source : decode(source)
  if (text === undefined) return refuse('is not UTF-8: save the file as UTF-8')
  const bytes = Buffer.byteLength(text)
  if (bytes > maxTextBytes) return refuse(`is ${bytes} bytes long; at most ${maxTextBytes} are allowed`)

  const strange = strangeCharacter(text)
  if (strange) return refuse(strange.message, placeOf(text, strange.at))
  const nesting = nestingFault(text)
  if (nesting) return refuse(nesting.message, placeOf(text, nesting.at))

  const lines = new LineCounter()
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(text, lines)
  } catch {
    return refuse('cannot be parsed: it is nested too deeply, or is no YAML')
  }
  const faults = [...parsed.errors, ...parsed.warnings].sort((a, b) => a.pos[0] - b.pos[0])
  if (faults.length > 0)
    return { kind: 'problems', problems: faults.slice(0, problemsShown).map((fault) => syntaxProblem(fault, lines)) }
  if (parsed.directives.yaml.explicit === true || Object.keys(parsed.directives.tags).length > 1)
    return refuse('starts with a directive (%YAML or %TAG): remove it; YAML 1.2 is what is read')
  if (parsed.contents === null) return refuse('is empty: name, model and system_prompt are needed')
  return new Conversion(parsed, lines).run(parsed.contents)
}

const parse = (text: string, lineCounter: LineCounter) =>
  parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    stringKeys: true,
    uniqueKeys: false, // Y3
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'error', // silent would take the first of several documents
    lineCounter,
  })

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

interface Fault {
  readonly message: string
  readonly at: number
}

function strangeCharacter(text: string): Fault | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const at = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/)
  if (at >= 0) {
    const code = (text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    return {
      at,
      message:
        code === 'FFFD'
          ? 'holds bytes that are not UTF-8: save the file as UTF-8'
          : `holds the control character U+${code}, which YAML does not allow: remove it`,
    }
  }
  return text.isWellFormed() ? undefined : { at: 0, message: 'holds half of a character (a lone surrogate): remove it' }
}

/** Y1. */
function nestingFault(text: string): Fault | undefined {
  const tooDeep = (at: number): Fault => ({ at, message: `is nested deeper than ${maxDepth} levels here` })
  let at = 0
  let tokens = 0
  let open = 0
  let inLine = 0
  let lineStart = true
  for (const token of new Lexer().lex(text)) {
    if (++tokens > maxTokens) return { at, message: `has more than ${maxTokens} parts; an agent needs far fewer` }
    if (token === '[' || token === '{') open++
    else if (token === ']' || token === '}') open = Math.max(0, open - 1)
    else if (token === '-' || token === '?') inLine++
    else if (lineStart && /^ +$/.test(token) && token.length > maxIndent && open === 0) return tooDeep(at)
    if (open > maxDepth || inLine > maxDepth) return tooDeep(at)
    lineStart = token.endsWith('\n')
    if (lineStart) inLine = 0
    // Marks of document start, flow end and plain scalar are the lexer's own, no characters of the text.
    if (!lexerMarks.has(token)) at += token.length
  }
  return undefined
}

function placeOf(text: string, at: number): Place {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  return { line, column: at - (before.lastIndexOf('\n') + 1) + 1 }
}

function syntaxProblem(fault: YAMLError, lines: LineCounter): Problem {
  const { line, col } = lines.linePos(fault.pos[0])
  return { path: '', message: syntaxMessage(fault), line: Math.max(1, line), column: Math.max(1, col) }
}

function syntaxMessage({ code, message }: YAMLError): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'uses a tab as indentation, which YAML does not allow: use spaces'
    case 'MULTIPLE_DOCS':
      return 'holds more than one document (---): give each agent a file of its own'
    case 'TAG_RESOLVE_FAILED':
      return 'holds a tag (!…) that is not known here: remove it, and write plain values'
    case 'NON_STRING_KEY':
      return 'has a key that is a list or a mapping: write a name there'
    default:
      return `is no valid YAML: ${message.slice(0, 200)}`
  }
}

class Conversion {
  readonly #document: ReturnType<typeof parse>
  readonly #lines: LineCounter
  readonly #places = new Map<string, Place>()
  readonly #problems: Problem[] = []
  #values = 0
  #aliases = 0
  #full = false

  constructor(document: ReturnType<typeof parse>, lines: LineCounter) {
    this.#document = document
    this.#lines = lines
  }

  run(contents: Node): Read {
    const value = this.#convert(contents, '', 0)
    return this.#problems.length > 0
      ? { kind: 'problems', problems: this.#problems.slice(0, problemsShown) }
      : { kind: 'read', value, places: this.#places }
  }

  #convert(node: unknown, path: string, depth: number): unknown {
    if (this.#over(node, path, depth)) return undefined
    this.#mark(path, node)
    if (isAlias(node)) {
      const target = node.resolve(this.#document)
      if (!target) return this.#refuse(node, path, `the alias *${node.source.slice(0, 64)} has no anchor before it`)
      return this.#convert(target, path, depth + 1)
    }
    if (isScalar(node)) {
      if (typeof node.value !== 'string') return node.value
      const fault = textFault(node.value)
      return fault ? this.#refuse(node, path, fault) : node.value
    }
    if (isSeq(node)) return node.items.map((item, index) => this.#convert(item, itemPath(path, index), depth + 1))
    if (isMap(node)) return this.#mapping(node.items, path, depth)
    return null // `key:` with nothing behind it
  }

  #mapping(items: readonly { key: unknown; value: unknown }[], path: string, depth: number): unknown {
    const members: Record<string, unknown> = {}
    const first = new Map<string, number>()
    for (const { key, value } of items) {
      const name = isScalar(key) ? String(key.value ?? '') : undefined
      if (name === undefined) {
        this.#refuse(key, path, 'has a key that is no name (an alias, a list or a mapping): write a name there')
        continue
      }
      const inside = memberPath(path, name.slice(0, 200))
      const fault = keyFault(name)
      const seen = first.get(name)
      if (fault) this.#refuse(key, path, fault)
      else if (seen !== undefined) this.#refuse(key, inside, `stands twice; first on line ${seen}: keep one`)
      else {
        first.set(name, this.#mark(`${inside}#key`, key)?.line ?? 0)
        members[name] = this.#convert(value, inside, depth + 1)
      }
      if (this.#full || this.#problems.length >= problemsShown) break
    }
    return members
  }

  /** Y2. */
  #over(node: unknown, path: string, depth: number): boolean {
    if (this.#full || this.#problems.length >= problemsShown) return true
    if (isAlias(node)) this.#aliases++
    if (depth > maxDepth) this.#refuse(node, path, `is nested deeper than ${maxDepth} levels`)
    else if (this.#aliases > maxAliases) this.#refuse(node, path, `uses aliases more than ${maxAliases} times`)
    else if (++this.#values > maxValues) this.#refuse(node, path, `its aliases expand to more than ${maxValues} values`)
    else return false
    this.#full = true // what follows would say the same
    return true
  }

  #refuse(node: unknown, path: string, message: string): undefined {
    if (this.#problems.length < problemsShown) this.#problems.push({ path, message, ...(this.#place(node) ?? {}) })
    return undefined
  }

  #place(node: unknown): Place | undefined {
    const at = isScalar(node) || isSeq(node) || isMap(node) || isAlias(node) ? node.range?.[0] : undefined
    if (at === undefined) return undefined
    const { line, col } = this.#lines.linePos(at)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }

  /** The first place counts: an alias's, not its anchor's. */
  #mark(path: string, node: unknown): Place | undefined {
    const place = this.#place(node)
    if (place && !this.#places.has(path)) this.#places.set(path, place)
    return place
  }
}
