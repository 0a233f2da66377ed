// Texts of servers on their way to a model or a terminal: bounded, without what steers either. A server may say what its tools do; it may
// not look like somebody else who says it.
//   F1. No control characters, no invisible ones, no change of direction.
//   F2. No mark by which a model's own format tells who speaks: chat markers, tags of roles.
import { limits } from './limits.ts'

// Control and format characters (zero width, direction, tags) but for line feed and tab, line separators, and letters that show nothing.
const invisible = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|\p{Variation_Selector}/gu
const chatMarker = /<\|/g
const roleTag =
  /<(?=\/?\s*(?:system|assistant|user|human|developer|important|instructions?|admin|secret|tools?|function)[\w:-]*[\s>/])/gi
const turnLabel = /^(\s*)(system|assistant|user|human|developer)(\s*):/gim

export const neutral = (text: string, most: number): string =>
  cut(
    // Cut first: what is long is not gone through.
    text
      .slice(0, most * 2)
      .toWellFormed()
      .replaceAll('\r\n', '\n')
      .replaceAll(invisible, '')
      .replaceAll(chatMarker, '< |')
      .replaceAll(roleTag, '‹')
      .replaceAll(turnLabel, '$1$2$3 -'),
    most,
  )

/** On one line, for reasons and notes. */
export const oneLine = (text: string, most: number = limits.wordsChars): string =>
  cut(
    neutral(text, most * 2)
      .replaceAll(/\s+/g, ' ')
      .trim(),
    most,
  )

function cut(text: string, most: number): string {
  return text.length <= most
    ? text
    : `${text
        .slice(0, most - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')}…`
}
