// Foreign JSON, read through schemas that say what is understood. Its own small language and not a validator's: a validator says that a
// value is wrong as a whole, and here one odd field must not cost the rest of an event. A reader looks at each field once.
//   R1. A reader never throws and trusts no type: what does not fit is not there.
//   R2. What no schema names is noted by its place, so that an answer which is not understood can say what it was.
//   R3. null is the same as missing.
export type Note = (place: string) => void
export type Reader<T> = (value: unknown, note: Note) => T | undefined

export const string: Reader<string> = (value) => (typeof value === 'string' ? value : undefined)

/** A count may come as its digits. */
export const number: Reader<number> = (value) => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined
}

export const boolean: Reader<boolean> = (value) => (typeof value === 'boolean' ? value : undefined)

/** What stands for an id or a code: a string, or a number as its digits. */
export const word: Reader<string> = (value) =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined

/** As it came; whoever uses it looks at its type. */
export const anything: Reader<unknown> = (value) => value

/** Known, and of no use here. */
export const unused: Reader<never> = () => undefined

/** One value stands for a list of one. */
export function list<T>(item: Reader<T>): Reader<readonly T[]> {
  return (value, note) => {
    const found: T[] = []
    for (const entry of Array.isArray(value) ? value : [value]) {
      const read = entry === null ? undefined : item(entry, note)
      if (read !== undefined) found.push(read)
    }
    return found
  }
}

type Fields = Readonly<Record<string, Reader<unknown>>>
export type Shape<F extends Fields> = { readonly [K in keyof F]?: NonNullable<ReturnType<F[K]>> }

/** `name` is what the place is called in notes. */
export function shape<F extends Fields>(name: string, fields: F): Reader<Shape<F>> {
  const readers = new Map(Object.entries(fields))
  return (value, note) => {
    if (!isRecord(value)) {
      note(name)
      return undefined
    }
    const read: Record<string, unknown> = {}
    for (const key in value) {
      const entry = value[key]
      if (entry === null || entry === undefined) continue
      const reader = readers.get(key)
      if (reader) {
        const found = reader(entry, note)
        if (found !== undefined) read[key] = found
      } else note(`${name}.${key}`)
    }
    return read as Shape<F>
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
