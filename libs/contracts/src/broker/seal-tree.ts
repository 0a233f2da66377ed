// One signature over several texts (a hash tree, as in RFC 9162, section 2.1): each text carries the way from itself to the root.
//   ST1. What is signed is the root, never a text itself, and its form is that of no other text that is signed.
//   ST2. A leaf and a node are hashed with different first bytes, so that no node passes for a text.
import { hash as hashOf } from 'node:crypto'

/** `l` or `r`, the side on which the other half stands, and its sha256 in base64url (43 characters). */
export type SealStep = `${'l' | 'r'}${string}`

export interface SealTree {
  /** What is to be signed. */
  readonly root: string
  /** For each text, in their order: the steps from the text to the root. */
  readonly steps: readonly (readonly SealStep[])[]
}

/** `texts`: two or more. */
export function sealTree(texts: readonly string[]): SealTree {
  const steps: SealStep[][] = texts.map(() => [])
  let level = texts.map((text, i) => ({ hash: leaf(text), of: [i] }))
  while (level.length > 1) {
    const above: typeof level = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]]
      if (!left) continue
      if (!right) {
        above.push(left)
        continue
      }
      for (const at of left.of) steps[at]?.push(`r${right.hash}`)
      for (const at of right.of) steps[at]?.push(`l${left.hash}`)
      above.push({ hash: node(left.hash, right.hash), of: [...left.of, ...right.of] })
    }
    level = above
  }
  return { root: rootText(level[0]?.hash ?? ''), steps }
}

/** What was signed for `text`, if these are its steps; undefined where they are none. */
export function sealRoot(text: string, steps: readonly string[]): string | undefined {
  let hash = leaf(text)
  for (const step of steps) {
    const other = stepForm.exec(step)
    if (!other) return undefined
    const [, side, value = ''] = other
    hash = side === 'l' ? node(value, hash) : node(hash, value)
  }
  return rootText(hash)
}

const stepForm = /^([lr])([\w-]{43})$/
const rootText = (hash: string): string => `reins tree 1\n${hash}`
const leaf = (text: string): string => hashOf('sha256', `\0${text}`, 'base64url')
const node = (left: string, right: string): string => hashOf('sha256', `\x01${left}${right}`, 'base64url')
