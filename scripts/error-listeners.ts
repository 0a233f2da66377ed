// What a source file makes that can fail by an event (streams, sockets, servers, children, workers), and whether it listens.
// An `error` event without a listener ends the process. Text in, facts out, as in imports.ts.
//   EL1. There are as many listeners in a file as there are things made in it. Which belongs to which is for its reader to see.
//   EL2. A maker is known by its module: a method that has the name of one is none.
import { withoutComments } from './imports.ts'

export interface Deaf {
  /** `spawn`, `http.createServer`, … */
  readonly maker: string
  /** Counted from 1. */
  readonly line: number
}

/** By module: what it gives that emits `error`. */
const makers: Readonly<Record<string, readonly string[]>> = {
  fs: ['createReadStream', 'createWriteStream'],
  child_process: ['spawn', 'fork', 'exec', 'execFile'],
  http: ['createServer', 'request', 'get'],
  https: ['createServer', 'request', 'get'],
  http2: ['createServer', 'connect'],
  net: ['createServer', 'createConnection', 'connect', 'Socket', 'Server'],
  tls: ['createServer', 'connect'],
  dgram: ['createSocket'],
  worker_threads: ['Worker'],
  ws: ['WebSocket', 'WebSocketServer'],
  pg: ['Client', 'Pool'],
  pino: ['destination'],
}

const statement = /^import\s+(?!type\b)([^'"]+?)\s+from\s+['"](?:node:)?([\w/-]+)['"]/gm
const listener = /\.(?:on|once|addListener|prependListener)\(\s*['"]error['"]|\.onerror\s*=/g

/** The things made in excess of the listeners (EL1), the last ones of the file. */
export function withoutListener(source: string): readonly Deaf[] {
  const code = withoutComments(source)
  const made = madeIn(code)
  const heard = [...code.matchAll(listener)].length
  return made.slice(heard)
}

function madeIn(code: string): readonly Deaf[] {
  const found: (Deaf & { readonly index: number })[] = []
  for (const [, clause = '', module = ''] of code.matchAll(statement)) {
    const names = makers[module] ?? [] // EL2
    const calls = [
      ...named(clause),
      ...spaces(clause).flatMap((space) => names.map((name) => [`${space}.${name}`, name] as const)),
    ]
    for (const [call, name] of calls) {
      if (!names.includes(name)) continue
      const pattern = new RegExp(String.raw`(?<![\w.#$])${call.replaceAll('.', String.raw`\.`)}(?:<[^()]*>)?\(`, 'g')
      for (const { index } of code.matchAll(pattern))
        found.push({ maker: call, line: code.slice(0, index).split('\n').length, index })
    }
  }
  return found.sort((a, b) => a.index - b.index).map(({ maker, line }) => ({ maker, line }))
}

/** `{ a, b as c, type D }`: what is called here, and what it is there. */
function named(clause: string): readonly (readonly [string, string])[] {
  const inside = /\{([^}]*)\}/.exec(clause)?.[1] ?? ''
  return inside
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && !one.startsWith('type '))
    .map((one) => {
      const [name = '', alias = name] = one.split(/\s+as\s+/)
      return [alias, name] as const
    })
}

/** `a` and `* as b`. */
function spaces(clause: string): readonly string[] {
  const outside = clause.replace(/\{[^}]*\}/, '')
  return outside
    .split(',')
    .map((one) => one.trim().replace(/^\*\s+as\s+/, ''))
    .filter((one) => /^[\w$]+$/.test(one))
}
