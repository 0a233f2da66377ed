// What models, tools and other people wrote, made harmless for a terminal.
//   N1. Nothing that drives the terminal gets through: escape sequences lose their ESC, which shows as ␛; other control
//       characters show as their pictures; C1 controls, direction overrides, and what shows as nothing (tags, fillers, variation
//       selectors, annotations) are left out. The joiners of emoji and of Persian stay.
//   N2. Newlines and tabs stay; carriage returns go. Applying it twice changes nothing, nor does cutting the text anywhere.
//   N4. Also what a server would never have let in: whoever the command line was pointed to may be no Reins server.
//   N3. In JSON the same characters are escapes: what a program reads is what was written.
import { hiddenCharacters } from '@reins/contracts'

const suspicious = new RegExp(`[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]|${hiddenCharacters}`, 'g')

const picture = (character: string): string => {
  const code = character.charCodeAt(0)
  if (character === '\r') return ''
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  if (code === 0x2028 || code === 0x2029) return '\n'
  return ''
}

export const neutralise = (text: string): string => text.replace(suspicious, picture)

/** N4. Of a line that is printed: colours and weights as Reins itself sets them (style.ts) stay, where there are any. */
export const painted = (text: string, coloured: boolean): string =>
  coloured
    ? text
        .split(ownPaint)
        .map((part, at) => (at % 2 === 1 ? part : neutralise(part)))
        .join('')
    : neutralise(text)
const ownPaint = new RegExp(`(${String.fromCharCode(27)}\\[(?:[012349]|2[2349]|3[1-69])m)`)

/** The same on one line: newlines and tabs become single spaces. */
export const oneLine = (text: string): string => neutralise(text).replace(/\s+/g, ' ').trim()

/** A JSON text, in which nothing drives a terminal or hides (N3). */
export const plainJson = (text: string): string =>
  text.replace(suspicious, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  )
