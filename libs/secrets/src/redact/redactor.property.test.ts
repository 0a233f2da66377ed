import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SecretsRedactor } from './redactor.ts'

/** Characters of a secret as tools and people make them; nothing that an encoding turns into something ambiguous. */
const secretChars = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+/=!@#$%^&*()<>"\'\\ éß漢😀'
const secret = fc
  .array(fc.constantFrom(...secretChars), { minLength: 8, maxLength: 60 })
  .map((chars) => chars.join(''))
  .filter((text) => text.trim() === text)
const surroundings = fc.string({ unit: 'grapheme', maxLength: 40 })
const cuts = fc.array(fc.nat(400), { maxLength: 12 })

function inPieces(redactor: SecretsRedactor, text: string, at: readonly number[]): string {
  const stream = redactor.stream()
  const places = [...new Set([0, ...at.map((place) => place % (text.length + 1)), text.length])].sort((a, b) => a - b)
  let out = ''
  for (const [i, place] of places.entries()) out += stream.push(text.slice(places[i - 1] ?? 0, place))
  return out + stream.end()
}

const b64 = (text: string): string => Buffer.from(text).toString('base64')
const b64url = (text: string): string => Buffer.from(text).toString('base64url')

/** What a tool may do to the text that holds a secret, and how to undo it. */
const encodings: Readonly<Record<string, { encode: (text: string) => string; decode: (text: string) => string }>> = {
  'as it is': { encode: (text) => text, decode: (text) => text },
  JSON: { encode: (text) => JSON.stringify(text), decode: (text) => JSON.parse(text) },
  'JSON in JSON': {
    encode: (text) => JSON.stringify(JSON.stringify(text)),
    decode: (text) => JSON.parse(JSON.parse(text)),
  },
  'a URL': { encode: encodeURIComponent, decode: decodeURIComponent },
  'a URL in small letters': {
    encode: (text) => encodeURIComponent(text).replaceAll(/%../g, (one) => one.toLowerCase()),
    decode: decodeURIComponent,
  },
  'a form': {
    encode: (text) => new URLSearchParams([['a', text]]).toString(),
    decode: (text) => new URLSearchParams(text).get('a') ?? '',
  },
  hexadecimal: {
    encode: (text) => Buffer.from(text).toString('hex'),
    decode: (text) => Buffer.from(text, 'hex').toString(),
  },
}

test.each(Object.entries(encodings))(
  'whatever stands around it and wherever it is cut, no secret passes as %s',
  (_, { encode }) => {
    fc.assert(
      fc.property(secret, surroundings, surroundings, cuts, (value, before, after, at) => {
        const redactor = new SecretsRedactor([value])
        const text = encode(`${before}${value}${after}`.toWellFormed())
        const whole = redactor.text(text)
        expect(whole).not.toContain(encode(value).replaceAll(/^"|"$/g, ''))
        expect(whole).not.toContain(value)
        expect(whole).toContain('[redacted]')
        expect(inPieces(redactor, text, at)).toBe(whole)
      }),
      { numRuns: 150 },
    )
  },
)

test('in base64 of either alphabet nothing of a secret passes but a few bits at its ends, at each of its three places', () => {
  fc.assert(
    fc.property(
      secret,
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ maxLength: 20 }),
      fc.boolean(),
      fc.constantFrom(0, 20, 64, 76),
      fc.constantFrom('\n', '\r\n', '\\n'),
      cuts,
      (value, before, after, url, columns, lineEnd, at) => {
        const redactor = new SecretsRedactor([value])
        const bytes = Buffer.concat([before, Buffer.from(value), after])
        const plain = bytes.toString(url ? 'base64url' : 'base64')
        const text = columns === 0 ? plain : (plain.match(new RegExp(`.{1,${columns}}`, 'g')) ?? []).join(lineEnd)
        const masked = redactor.text(text)
        expect(inPieces(redactor, text, at)).toBe(masked)
        // What is left, with as many bytes in the place of the mask as belong there, shows no three bytes of the secret in a row.
        const [left = '', right = ''] = masked.replaceAll(lineEnd, '').split('[redacted]')
        expect(masked).toContain('[redacted]')
        const shownLeft = Buffer.from(left, 'base64').length
        const shownRight = Math.ceil((right.replaceAll('=', '').length * 6) / 8)
        expect(shownLeft).toBeLessThanOrEqual(before.length + 1)
        expect(shownRight).toBeLessThanOrEqual(after.length + 1)
      },
    ),
    { numRuns: 300 },
  )
})

test('base64 of a text around it masks it too', () => {
  const redactor = new SecretsRedactor(['ghp_0123456789abcdef'])
  for (const before of ['', 'x', 'xy', 'user:'])
    for (const form of [b64, b64url]) {
      const masked = redactor.text(form(`${before}ghp_0123456789abcdef\n`))
      expect(Buffer.from(masked.replaceAll(/\[redacted\]/g, ''), 'base64').toString()).not.toMatch(/0123|abcd/)
    }
})

test('text without a secret passes as it is, whole and in pieces', () => {
  fc.assert(
    fc.property(surroundings, cuts, (text, at) => {
      const redactor = new SecretsRedactor(['ghp_0123456789abcdef', 'another-secret', '4711'])
      fc.pre(!text.includes('4711'))
      expect(redactor.text(text)).toBe(text)
      expect(inPieces(redactor, text, at)).toBe(text)
    }),
  )
})

test('of many secrets that begin, end and overlap alike, each character of each is masked', () => {
  const small = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 6, maxLength: 9 })
  fc.assert(
    fc.property(
      fc.array(small, { minLength: 1, maxLength: 5 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 }),
      cuts,
      (secrets, text, at) => {
        const redactor = new SecretsRedactor(secrets)
        const masked = redactor.text(text)
        const covered = Array.from(text, () => false)
        for (const value of secrets)
          for (let from = text.indexOf(value); from >= 0; from = text.indexOf(value, from + 1))
            covered.fill(true, from, from + value.length)
        expect(masked.replaceAll('[redacted]', '')).toBe(
          Array.from(text)
            .filter((_, i) => !covered[i])
            .join(''),
        )
        expect(inPieces(redactor, text, at)).toBe(masked)
      },
    ),
    { numRuns: 400 },
  )
})

test('a stream never holds back more than the longest form of a secret', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 6, maxLength: 12 }), (value) => {
      const redactor = new SecretsRedactor([value])
      const longest = value.length * 4
      const stream = redactor.stream()
      let given = 0
      let shown = 0
      for (let i = 0; i < 500; i++) {
        const piece = value[i % value.length] ?? ''
        given += piece.length
        shown += stream.push(piece).replaceAll('[redacted]', value).length
        // Masks hide how much they stand for: without any, what is missing is what is held.
        if (shown === 0) expect(given).toBeLessThanOrEqual(longest + value.length)
      }
      expect(stream.end().length).toBeLessThanOrEqual(longest + '[redacted]'.length * 2)
    }),
  )
})
