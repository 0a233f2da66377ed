// Pools: a definition asks for labels, a process has labels; the canonical set is the pool (ARCHITECTURE).
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'

export const Labels = Type.Record(Type.String({ pattern: '^[A-Za-z0-9_./-]{1,63}$' }), Type.String({ maxLength: 63 }))
export type Labels = Static<typeof Labels>

/** `browser=true,region=eu`: sorted by name; the empty set is the empty text. */
export function canonicalLabels(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((name) => `${name}=${labels[name]}`)
    .join(',')
}

/** The pool's key in subjects and durables: `default` for no labels, else 10 characters of a digest. */
export function poolKey(labels: Labels): string {
  const canonical = canonicalLabels(labels)
  return canonical === '' ? 'default' : createHash('sha256').update(canonical).digest('hex').slice(0, 10)
}

/** A process serves every pool whose labels are a subset of its own. */
export const serves = (own: Labels, asked: Labels): boolean =>
  Object.entries(asked).every(([name, value]) => own[name] === value)
