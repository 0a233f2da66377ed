// The characters of an answer while it is made, each given out once. Pure.
//   TK1. A character is known by its call, block and offset: what comes again gives nothing.
//   TK2. An attempt that was lost starts anew. As long as the new one says the same, nothing is said twice; from where it says
//        something else, it is told from its beginning.
//   TK3. What is whole brings what was missed.

export interface Tokens {
  readonly call: string
  readonly attempt: number
  /** By block: what this attempt has said; `undefined` text: so many characters were read before this reader came. */
  readonly blocks: ReadonlyMap<number, Said>
  /** What earlier attempts had given out, by block. */
  readonly before: ReadonlyMap<number, string>
}

interface Said {
  readonly length: number
  readonly text: string | undefined
}

export interface Piece {
  readonly call: string
  readonly attempt: number
  readonly block: number
  readonly offset: number
  readonly text: string
}

export const noTokens = (call: string, attempt: number): Tokens => ({
  ...{ call, attempt, blocks: new Map(), before: new Map() },
})

/** A reader comes back to the middle of an answer. */
export const tokensFrom = (call: string, attempt: number, block: number, offset: number): Tokens => ({
  ...noTokens(call, attempt),
  blocks: new Map([[block, { length: offset, text: undefined }]]),
})

/** TK2. */
export function restarted(tokens: Tokens | undefined, call: string, attempt: number): Tokens {
  if (!tokens || tokens.call !== call) return noTokens(call, attempt)
  if (attempt <= tokens.attempt) return tokens
  const before = new Map(tokens.before)
  for (const [block, { text }] of tokens.blocks)
    if (text !== undefined && text.length > (before.get(block)?.length ?? 0)) before.set(block, text)
  return { call, attempt, blocks: new Map(), before }
}

/** With what is new to the reader. */
export function said(tokens: Tokens | undefined, piece: Piece): { readonly tokens: Tokens; readonly fresh: string } {
  const now = restarted(tokens, piece.call, piece.attempt)
  const known = now.blocks.get(piece.block) ?? { length: 0, text: '' }
  const old = piece.attempt < now.attempt || piece.offset > known.length // TK3 brings what is behind a gap.
  const fresh = old ? '' : piece.text.slice(known.length - piece.offset)
  if (fresh === '') return { tokens: now, fresh }
  const text = known.text === undefined ? undefined : known.text + fresh
  const blocks = new Map(now.blocks).set(piece.block, { length: known.length + fresh.length, text })
  const before = now.before.get(piece.block)
  return { tokens: { ...now, blocks }, fresh: before === undefined ? fresh : beyond(before, known, text ?? '', fresh) }
}

/** TK2: `text` is all that this attempt has said, `fresh` its end. */
function beyond(before: string, known: Said, text: string, fresh: string): string {
  if (before.startsWith(text)) return ''
  if (text.startsWith(before)) return text.slice(Math.max(before.length, known.length))
  const said = known.text ?? ''
  return before.startsWith(said) ? `\n\n${text}` : fresh
}
