// Thinking that a server leaves in the text, between tags: told apart while it streams. Only at the beginning of an answer, where the
// chat templates put it: a tag in the middle of a text is a text about tags.
//   G1. Some templates put the opening tag into the prompt, so that answers begin with thoughts and have the closing tag only. Nothing
//       in such an answer says so before that tag comes: it is a text, until an answer of the model has shown the tag where templates
//       put it (`loneTag`). From the next answer on, what comes before that tag is thought.
//   G2. Nothing is eaten: where a model that was taken for such a one ends an answer without the tag, what was told as thought is told
//       as text too, and the model is a plain one again.
//   G3. Models write empty lines on and on. What is blank is not looked at again with each piece, and where it is long, it is a text.

export interface TextPart {
  readonly kind: 'text' | 'reasoning'
  readonly text: string
}

const tags: readonly (readonly [open: string, close: string])[] = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['<thought>', '</thought>'],
  ['<reasoning>', '</reasoning>'],
  ['<seed:think>', '</seed:think>'],
  ['[THINK]', '[/THINK]'],
  ['◁think▷', '◁/think▷'],
]

/**
 * Which closing tag stands alone in a whole text, as templates leave it: once, without the opening one, at the end of a line, behind
 * the end of a line or of a sentence, and in no block of code. undefined: none.
 */
export function loneTag(text: string): number | undefined {
  const found = tags.findIndex(([open, close]) => {
    const at = text.indexOf(close)
    if (at < 0 || text.includes(open) || text.includes(close, at + 1)) return false
    const [before, behind] = [text.slice(0, at), text.slice(at + close.length)]
    const fences = before.split('```').length - 1
    return /(?:\n|[.!?\u3002\uff01\uff1f])[ \t]*$/.test(before) && /^[ \t]*(?:\r?\n|$)/.test(behind) && fences % 2 === 0
  })
  return found < 0 ? undefined : found
}

const longestBlank = 16 * 1024

export class ThinkTags {
  #state: 'beginning' | 'thinking' | 'text' = 'beginning'
  #close = ''
  #held = ''
  /** Blank pieces before the first character (G3). */
  #blank = ''
  /** Blank text before and behind thinking belongs to neither. */
  #thought = false
  /** Something of the thoughts has been told. */
  #telling = false
  /** G1: the closing tag for which an answer that begins without any is thought. */
  #lone: string | undefined
  /** G2: what has been told as thought in such an answer, while its tag has not come. */
  #unproved: string | undefined

  /** `lone`: what `loneTag` found in an answer of this model. */
  constructor(lone?: number) {
    this.#lone = lone === undefined ? undefined : tags[lone]?.[1]
  }

  /** G2: an answer that had to have a closing tag ended without it. */
  get missed(): boolean {
    return this.#unproved !== undefined
  }

  /** The server tells thoughts apart itself: what it calls text is text. */
  apart(): void {
    this.#lone = undefined
  }

  push(text: string): readonly TextPart[] {
    if (this.#state === 'text') return text === '' ? [] : [{ kind: 'text', text }]
    if (this.#state === 'beginning' && this.#held === '' && text.trim() === '') {
      this.#blank += text
      return this.#blank.length > longestBlank ? this.#asText([], this.#taken()) : []
    }
    this.#held += this.#taken() + text
    const parts: TextPart[] = []
    for (;;) {
      if (this.#state === 'beginning') {
        const begun = this.#held.trimStart()
        if (begun === '' || tags.some(([open, close]) => beginsOnly(open, begun) || beginsOnly(close, begun)))
          return parts
        const tag = tags.find(([open]) => begun.startsWith(open))
        // A server that took the opening tag for itself may leave the closing one.
        const orphan = tags.find(([, close]) => begun.startsWith(close))
        if (tag || orphan) this.#lone = undefined
        if (tag) {
          this.#state = 'thinking'
          this.#close = tag[1]
          this.#held = begun.slice(tag[0].length)
        } else if (orphan) {
          this.#thought = true
          this.#held = begun.slice(orphan[1].length)
        } else if (this.#lone !== undefined) {
          this.#state = 'thinking'
          this.#close = this.#lone
          this.#lone = undefined
          this.#unproved = ''
        } else return this.#asText(parts, this.#thought ? begun : this.#held)
      } else {
        // Templates put empty lines around thoughts, also where there are none.
        if (!this.#telling) this.#held = this.#held.trimStart()
        const end = this.#held.indexOf(this.#close)
        if (end < 0) {
          const safe = this.#held.length - overlap(this.#held, this.#close)
          this.#tellThought(parts, this.#held.slice(0, safe))
          this.#telling ||= safe > 0
          this.#held = this.#held.slice(safe)
          return parts
        }
        this.#tellThought(parts, this.#held.slice(0, end))
        this.#telling = false
        this.#unproved = undefined
        this.#held = this.#held.slice(end + this.#close.length)
        this.#state = 'beginning'
        this.#thought = true
      }
    }
  }

  /** What was held back because a tag could begin there. `cut`: at the answer's limit, so that a tag may have been to come. */
  end(cut = false): readonly TextPart[] {
    const held = this.#taken() + this.#held
    this.#held = ''
    if (this.#state === 'thinking') {
      const parts: TextPart[] = held === '' ? [] : [{ kind: 'reasoning', text: held }]
      if (cut) this.#unproved = undefined
      else if (this.#unproved !== undefined) tell(parts, 'text', this.#unproved + held)
      return parts
    }
    return held === '' || (this.#thought && held.trim() === '') ? [] : [{ kind: 'text', text: held }]
  }

  #taken(): string {
    const blank = this.#blank
    this.#blank = ''
    return blank
  }

  #tellThought(parts: TextPart[], text: string): void {
    if (this.#unproved !== undefined) this.#unproved += text
    tell(parts, 'reasoning', text)
  }

  #asText(parts: TextPart[], text: string): readonly TextPart[] {
    this.#state = 'text'
    this.#held = ''
    tell(parts, 'text', text)
    return parts
  }
}

function tell(parts: TextPart[], kind: TextPart['kind'], text: string): void {
  if (text !== '') parts.push({ kind, text })
}

const beginsOnly = (tag: string, text: string): boolean => text.length < tag.length && tag.startsWith(text)

/** How many characters at the end of `text` could be the beginning of `tag`. */
function overlap(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length
  return 0
}
