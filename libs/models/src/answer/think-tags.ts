// Thinking that a server leaves in the text, between tags: told apart while it streams. Only at the beginning of an answer, where the
// chat templates put it: a tag in the middle of a text is a text about tags.
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

export class ThinkTags {
  #state: 'beginning' | 'thinking' | 'text' = 'beginning'
  #close = ''
  #held = ''
  /** Blank text before and behind thinking belongs to neither. */
  #thought = false
  /** Something of the thoughts has been told. */
  #telling = false

  push(text: string): readonly TextPart[] {
    if (this.#state === 'text') return text === '' ? [] : [{ kind: 'text', text }]
    this.#held += text
    const parts: TextPart[] = []
    for (;;) {
      if (this.#state === 'beginning') {
        const begun = this.#held.trimStart()
        if (begun === '' || tags.some(([open, close]) => beginsOnly(open, begun) || beginsOnly(close, begun)))
          return parts
        const tag = tags.find(([open]) => begun.startsWith(open))
        // A server that took the opening tag for itself may leave the closing one.
        const orphan = tags.find(([, close]) => begun.startsWith(close))
        if (tag) {
          this.#state = 'thinking'
          this.#close = tag[1]
          this.#held = begun.slice(tag[0].length)
        } else if (orphan) {
          this.#thought = true
          this.#held = begun.slice(orphan[1].length)
        } else return this.#asText(parts, this.#thought ? begun : this.#held)
      } else {
        // Templates put empty lines around thoughts, also where there are none.
        if (!this.#telling) this.#held = this.#held.trimStart()
        const end = this.#held.indexOf(this.#close)
        if (end < 0) {
          const safe = this.#held.length - overlap(this.#held, this.#close)
          tell(parts, 'reasoning', this.#held.slice(0, safe))
          this.#telling ||= safe > 0
          this.#held = this.#held.slice(safe)
          return parts
        }
        tell(parts, 'reasoning', this.#held.slice(0, end))
        this.#telling = false
        this.#held = this.#held.slice(end + this.#close.length)
        this.#state = 'beginning'
        this.#thought = true
      }
    }
  }

  /** What was held back because a tag could begin there. */
  end(): readonly TextPart[] {
    const held = this.#held
    this.#held = ''
    if (this.#state === 'thinking') return held === '' ? [] : [{ kind: 'reasoning', text: held }]
    return held === '' || (this.#thought && held.trim() === '') ? [] : [{ kind: 'text', text: held }]
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
