// What models, tools and other people wrote, made harmless for a terminal.
//   N1. Nothing that drives the terminal gets through: escape sequences lose their ESC, which shows as ␛; other control
//       characters show as their pictures; C1 controls, direction overrides and invisible tags are left out.
//   N2. Newlines and tabs stay; carriage returns go. Applying it twice changes nothing, nor does cutting the text anywhere.
const suspicious =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\udb40[\udc00-\udc7f]/g

const picture = (character: string): string => {
  const code = character.charCodeAt(0)
  if (character === '\r') return ''
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  if (code === 0x2028 || code === 0x2029) return '\n'
  return ''
}

export const neutralise = (text: string): string => text.replace(suspicious, picture)

/** The same on one line: newlines and tabs become single spaces. */
export const oneLine = (text: string): string => neutralise(text).replace(/\s+/g, ' ').trim()
