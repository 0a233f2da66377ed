// What foreign JSON may hold of what is kept: values that everybody behind this can walk, and that are the same once they are written.
//   PV1. JSON is read at any depth, and most of what walks a value afterwards is recursive: a value has a largest depth.
//   PV2. A number beyond the largest one is read as infinite, which JSON cannot say again.
//   PV3. A whole number that a double cannot hold is read as another one: an id with its last digits changed. It is read as infinite
//        too, so that nobody acts on it. A fraction is rounded as everywhere.
const deepest = 100

export function isPlain(value: unknown, left = deepest): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (left === 0) return false
  for (const entry of Array.isArray(value) ? value : Object.values(value)) if (!isPlain(entry, left - 1)) return false
  return true
}

/** What may be such a number, for a quick look: most texts have none. */
const manyDigits = /[[:,\s]-?\d{16}/

/** JSON, by these rules. undefined: it is none. */
export function parseExactly(text: string): unknown {
  try {
    return JSON.parse(manyDigits.test(text) ? marked(text) : text)
  } catch {
    return undefined
  }
}

/** PV3. In one pass, whatever the text is. A fraction or an exponent makes a number that is no whole one. */
function marked(text: string): string {
  let quoted = false
  return text.replace(/\\[\s\S]|"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (found) => {
    if (found === '"') quoted = !quoted
    return quoted || found.length < 16 || !/^-?\d+$/.test(found) || isExact(found) ? found : infinite
  })
}

const infinite = '1e999'
const mostDigits = 310

function isExact(digits: string): boolean {
  const value = digits.length > mostDigits ? Number.POSITIVE_INFINITY : Number(digits)
  return Number.isFinite(value) && BigInt(digits) === BigInt(value)
}

/** What stands for a value that is not plain where its JSON belongs: no JSON. */
export const notPlain =
  '(a value that nests too deep, or holds a number beyond 9007199254740991 that cannot be kept exactly)'
