// What models and tools wrote, as text that a page can show: nothing of it drives anything, and what cannot be seen is shown.
//   PL1. Escape sequences of terminals (colours, titles, moving about) are left out whole.
//   PL2. Other control characters show as their pictures; characters that turn or hide text are shown by their code.
//   PL3. A line that was written over itself with carriage returns, as progress bars are, shows its last state.
import { hiddenCharacters } from '@reins/contracts'

const sequences =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][\s\S]*?(?:\x07|\x1b\\|$)|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g
// One that only chooses how the emoji before it looks stays.
const hidden = new RegExp(hiddenCharacters, 'g')
const chosen = /\p{Emoji}$/u

export const plainText = (text: string): string =>
  text
    .replace(sequences, '')
    .replace(/\r+\n/g, '\n')
    .replace(/^.*\r(?=[^\r\n])/gm, '')
    .replace(/\r/g, '')
    .replace(controls, picture)
    .replace(hidden, (character, at: number, whole: string) =>
      /[\ufe0e\ufe0f]/.test(character) && chosen.test(whole.slice(Math.max(0, at - 2), at))
        ? character
        : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
    )

const picture = (character: string): string => {
  const code = character.charCodeAt(0)
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\u2421'
}

export interface Cut {
  readonly text: string
  /** Lines that are left out; 0: none. */
  readonly lines: number
}

/** The first lines of a long text. */
export function cutAfter(text: string, mostLines: number, mostChars: number): Cut {
  const lines = text.split('\n')
  const kept = lines.slice(0, mostLines).join('\n').slice(0, mostChars)
  if (kept.length === text.length) return { text, lines: 0 }
  return { text: kept, lines: Math.max(1, lines.length - kept.split('\n').length) }
}
