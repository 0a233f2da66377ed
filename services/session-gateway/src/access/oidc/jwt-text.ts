// What a bearer token says of itself, before anybody knows whether it is true: its header and its claims, or why it is no token at all.
//   JT1. Its length is checked before anything of it is decoded.
//   JT2. No name stands twice in one object of it: two parsers could read two different tokens.
//   JT3. What a header names to fetch a key from, or brings along as a key, is never looked at.

/** Behind it comes no token: headers of a request have 16 KB in all. */
export const maxTokenChars = 8192

export interface JwtText {
  readonly kind: 'jwt'
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}
export type ReadJwt = JwtText | { readonly kind: 'none'; readonly why: string }

/** Whether a text has the form of a JWT, signed or encrypted: tokens of Reins itself have no dots. */
export const looksLikeJwt = (text: string): boolean => text.startsWith('ey') && text.includes('.')

export function readJwt(text: string): ReadJwt {
  if (text.length > maxTokenChars) return none(`it is longer than ${maxTokenChars} characters`) // JT1
  const parts = text.split('.')
  if (parts.length === 5) return none('it is encrypted, and only signed tokens are accepted')
  if (parts.length !== 3) return none('it is no signed JWT')
  const [header, claims, signature = ''] = parts
  if (signature === '') return none('it is not signed')
  if (claims === '') return none('its claims are detached')
  if (!parts.every((part) => /^[\w-]+$/.test(part))) return none('it is no signed JWT')
  const [readHeader, readClaims] = [objectIn(header ?? ''), objectIn(claims ?? '')]
  if (typeof readHeader === 'string') return none(`its header ${readHeader}`)
  if (typeof readClaims === 'string') return none(`its claims are not valid: the text ${readClaims}`)
  return { kind: 'jwt', header: readHeader, claims: readClaims }
}

const none = (why: string): ReadJwt => ({ kind: 'none', why })

const decoder = new TextDecoder('utf-8', { fatal: true })

/** A text says what is wrong with it. */
function objectIn(part: string): Readonly<Record<string, unknown>> | string {
  try {
    const text = decoder.decode(Buffer.from(part, 'base64url'))
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is no JSON object'
    return namesTwice(text) ? 'names one thing twice' : (value as Record<string, unknown>) // JT2
  } catch {
    return 'is no JSON object'
  }
}

/** Of a text that is JSON: whether an object in it has two members of one name. */
export function namesTwice(text: string): boolean {
  const open: (Set<string> | undefined)[] = []
  for (const [token, name, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (name !== undefined && colon !== undefined) {
      const names = open.at(-1)
      const read: string = JSON.parse(name)
      if (names?.has(read)) return true
      names?.add(read)
    }
  }
  return false
}
