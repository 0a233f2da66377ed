// A result as JSON text. What JSON has no word for is an error that says where it stands: it would else be left out without a word.

const { stringify } = JSON

export type AsJson =
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'not-json' | 'too-large'; readonly message: string }

export function asJson(value: unknown, mostChars: number, who = 'the tool'): AsJson {
  if (typeof value === 'string' && value.length > mostChars) return tooLarge(value.length, mostChars, who)
  try {
    const text = stringify(value, bounded(mostChars)) ?? 'null'
    return text.length > mostChars ? tooLarge(text.length, mostChars, who) : { kind: 'json', text }
  } catch (error) {
    if (error instanceof RangeError) return tooLarge(undefined, mostChars, who)
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it cannot be read'
    return { kind: 'not-json', message: `${who} returned what is no JSON: ${why}` }
  }
}

const tooLarge = (chars: number | undefined, most: number, who: string): AsJson => ({
  kind: 'too-large',
  message: `${who} returned ${chars === undefined ? 'more' : `${chars} characters`}; ${most} characters at most. Ask for less of it`,
})

/** Ends as soon as what was seen cannot fit any more: the text of a value that is much too large needs all memory. */
function bounded(mostChars: number) {
  let chars = 0
  return function (this: unknown, key: string, value: unknown): unknown {
    if (value !== undefined) chars += typeof value === 'string' ? value.length + 2 : 1
    if (chars > mostChars) throw new RangeError('too large')
    return refuseForeign.call(this, key, value)
  }
}

function refuseForeign(this: unknown, key: string, value: unknown): unknown {
  // Before its own toJSON made something of it.
  const own: unknown = (this as Record<string, unknown>)[key]
  const place = key === '' ? 'the result' : `"${key.slice(0, 100)}"`
  const kind = foreignKind(own) ?? foreignKind(value)
  if (kind !== undefined) throw new TypeError(`${place} is ${kind}`)
  return value
}

function foreignKind(value: unknown): string | undefined {
  switch (typeof value) {
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    case 'bigint':
      return 'a bigint (make it a number or a text)'
    case 'number':
      return Number.isFinite(value) ? undefined : `${value}`
    case 'object':
      if (value instanceof Map || value instanceof Set)
        return `a ${value.constructor.name} (make it an object or a list)`
      if (value instanceof Promise) return 'a promise (await it)'
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
        return 'bytes (return a text, or content({ type: "image", … }))'
      return undefined
    default:
      return undefined
  }
}
