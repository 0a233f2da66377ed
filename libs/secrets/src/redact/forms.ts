// In which forms a secret can stand in a text: as it is, and in the encodings that tools, shells and servers put things in.
//   F1. A secret of fewer than 4 characters is masked nowhere, and one of fewer than 6 only where it stands alone, between characters
//       that belong to no word: else ordinary text would be masked. `reins secret set` says so.
//   F2. Of a secret in base64, the characters are masked that it alone decides, wherever it stands in what was encoded; at its two ends
//       a few bits share a character with what stands beside it.
//   F3. Of a secret of several lines, each line of 16 characters or more is masked by itself too: tools show files line by line.
import { anywhereMaskedChars } from '@reins/contracts'

const aloneFrom = 4
const shortestForm = 6
const lineFrom = 16
/** Longer ones are files, such as keys: of them the rarer encodings are not looked for, since each costs memory. */
const longFrom = 1024

export interface Forms {
  readonly plain: readonly string[]
  /** Characters of either alphabet of base64, which may be broken into lines. */
  readonly base64: readonly string[]
  /** Masked only where they stand alone (F1). */
  readonly alone: readonly string[]
}

/** `literal`: as they are and in JSON only. A stream that looks for fewer forms holds back less. */
export type Which = 'all' | 'literal'

export function formsOf(secrets: Iterable<string>, which: Which = 'all'): Forms {
  const plain = new Set<string>()
  const base64 = new Set<string>()
  const alone = new Set<string>()
  for (const secret of secrets) {
    if (secret.length < aloneFrom) continue
    if (secret.length < anywhereMaskedChars) {
      alone.add(secret)
      continue
    }
    plain.add(secret)
    const lines = linesOf(secret)
    for (const line of lines) plain.add(line)
    if (which === 'literal') {
      for (const one of [secret, ...lines]) for (const form of nestedJson(one, 2)) plain.add(form)
      continue
    }
    // Of a file, what is not base64 is found line by line.
    for (const one of lines.length > 0 && secret.length >= longFrom ? lines : [secret, ...lines])
      for (const form of encodedForms(one)) if (form.length >= shortestForm) plain.add(form)
    for (const form of base64Forms(secret)) {
      if (form.length < shortestForm) continue
      base64.add(form)
      const inUrl = encodeURIComponent(form)
      if (inUrl !== form && secret.length < longFrom) for (const one of bothCases(inUrl)) plain.add(one)
    }
  }
  // Also as bytes that are read as one character each: so outputs are on their way to the object store.
  if (which === 'all')
    for (const form of [...plain]) plain.add(Buffer.from(form.toWellFormed(), 'utf8').toString('latin1'))
  return { plain: [...plain], base64: [...base64], alone: [...alone] }
}

/** F3. Of a secret of one line: none. */
function linesOf(secret: string): readonly string[] {
  const lines = secret.split(/\r\n|\r|\n/)
  if (lines.length === 1) return []
  return lines.map((line) => line.trim()).filter((line) => line.length >= lineFrom && !line.startsWith('-----'))
}

function encodedForms(secret: string): readonly string[] {
  const wellFormed = secret.toWellFormed()
  const json = jsonOf(secret)
  const common = [
    json,
    json.replaceAll('/', '\\/'),
    ...bothCases(encodeURIComponent(wellFormed)),
    ...bothCases(formEncoded(wellFormed)),
  ]
  if (secret.length >= longFrom) return common
  const bytes = Buffer.from(wellFormed, 'utf8')
  const hex = bytes.toString('hex')
  return [
    ...common,
    ...nestedJson(json, 3),
    ...bothCases(asciiJson(json), /\\u[0-9a-f]{4}/g),
    ...bothCases(encodeURI(wellFormed)),
    ...bothCases(hex.replaceAll(/../g, '%$&')),
    hex,
    hex.toUpperCase(),
    inHtml(secret),
  ]
}

/** In JSON, in JSON in JSON, and so on: an answer of a tool that prints a log of answers. Only quotes and backslashes differ in these. */
const nestedJson = (text: string, levels: number): readonly string[] => {
  const forms: string[] = []
  for (let form = jsonOf(text); forms.length < levels; form = jsonOf(form)) forms.push(form)
  return forms
}
const jsonOf = (text: string): string => JSON.stringify(text).slice(1, -1)
const asciiJson = (json: string): string =>
  json.replaceAll(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
const inHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')

const percents = /%[0-9A-Fa-f]{2}/g
/** With the digits of its escapes in upper and in lower case. */
const bothCases = (text: string, escapes = percents): readonly string[] => [
  text.replaceAll(escapes, (one) => one.slice(0, 1) + upper(one.slice(1))),
  text.replaceAll(escapes, (one) => one.toLowerCase()),
]
/** `\u00E9`: the letter behind the backslash stays. */
const upper = (digits: string): string =>
  digits.startsWith('u') ? `u${digits.slice(1).toUpperCase()}` : digits.toUpperCase()

/** F2: for each of the three places that it can have among the groups of three bytes, in both alphabets. */
function base64Forms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret.toWellFormed(), 'utf8')
  const forms = [bytes.toString('base64').replaceAll('=', '')]
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '')
    const shared = ((before + bytes.length) * 8) % 6 === 0 ? 0 : 1
    forms.push(text.slice(Math.ceil((before * 8) / 6), text.length - shared))
  }
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
}
