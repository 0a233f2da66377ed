// Seals: what a service signs with the key of its role, so that whoever reads a message need not take the broker's word for who wrote it.
//   SE1. A seal is over the subject, and over all that the message says. It holds for nothing else, and at no other place.
//   SE2. A record of the registry is sealed together with the condition at which the broker took it, the last sequence of the whole log. So it
//        counts right behind that one: an older record cannot be put in again (RS4 of libs/journal/src/registry-seals.ts).
//   SE3. A frame is sealed by its hash, which chains it to the frame before it, and to its session, and by what its headers promise.
//   SE4. A snapshot is sealed by its text, for its session.
//   SE6. What is kept of a request's key is sealed for that key, a timer for its session, its name and its time, and a record of memory as
//        one of the registry is: over its place and the sequence behind which it went in.
//   SE5. `<key>.<signature>`; where one signature is over several frames, the steps of each to the root follow, with dots between them.
import { sealRoot, sealTree } from './seal-tree.ts'
import type { Role } from './subjects.ts'

/** Whose key: the role of a frame, or the registry. */
export type SealRole = Role | 'r'

export const sealHeader = 'Reins-Seal'

/** `sound`: of a key of the role. `none`: there is no seal. `unknown`: this process has no key of the role to check with. */
export type SealState = 'sound' | 'none' | 'wrong' | 'unknown'

/** What a process can sign, and what it can check. */
export interface Seals {
  /** undefined: this process has no key of the role. */
  sign(role: SealRole, text: string): string | undefined
  /** Seals of all the texts, in their order, with one signature for up to `mostInSealTree` of them. */
  signAll(role: SealRole, texts: readonly string[]): readonly string[] | undefined
  check(role: SealRole, text: string, seal: string): SealState
  /** Whether `seal` is of the newest key of the role that is known here. */
  isNewest(role: SealRole, seal: string): boolean
  /** The sequence of REG behind which each record has to be sealed, once this process knows it. */
  sealedFrom: number | undefined
}

/** Of a process that has no keys. */
export const noSeals = (): Seals => ({
  ...{
    sign: () => undefined,
    signAll: () => undefined,
    check: () => 'unknown',
    isNewest: () => true,
    sealedFrom: undefined,
  },
})

/** SE2. `id`, and the two conditions, are headers of the record. */
export const recordSealText = (record: {
  readonly subject: string
  readonly id: string
  readonly after: string
  readonly afterOf: string
  readonly body: string
}): string => ['reins record 1', record.subject, record.id, record.after, record.afterOf, record.body].join('\n')

/** SE3. */
export const frameSealText = (frame: {
  readonly role: Role
  readonly hash: string
  readonly status: string
  readonly pool: string
}): string => ['reins frame 1', frame.role, frame.hash, frame.status, frame.pool].join('\n')

/** SE4. */
export const snapshotSealText = (session: string, text: string): string => `reins snapshot 1\n${session}\n${text}`

/** SE6. `said`: what is kept; of one that was forgotten, when that was. */
export const requestKeySealText = (key: string, said: string): string => `reins request key 1\n${key}\n${said}`

/** SE6. `at`: epoch ms. */
export const timerSealText = (session: string, timer: string, at: string): string =>
  ['reins timer 1', session, timer, at].join('\n')

/** SE6. `after`: the last sequence of its entry before it. */
export const memorySealText = (record: {
  readonly subject: string
  readonly after: string
  readonly body: string
}): string => ['reins memory 1', record.subject, record.after, record.body].join('\n')

/** Of more, the steps would take more room in the log than a further signature is worth. */
export const mostInSealTree = 8

/** SE5. `sign` makes `<key>.<signature>` of a text. */
export function sealsOf(texts: readonly string[], sign: (text: string) => string): readonly string[] {
  if (texts.length <= 1) return texts.map(sign)
  if (texts.length > mostInSealTree)
    return [...sealsOf(texts.slice(0, mostInSealTree), sign), ...sealsOf(texts.slice(mostInSealTree), sign)]
  const { root, steps } = sealTree(texts)
  const signature = sign(root)
  return steps.map((of) => [signature, ...of].join('.'))
}

export interface SealParts {
  readonly key: string
  readonly signature: string
  /** What the signature is over; undefined: the seal has steps that are none. */
  readonly signed: string | undefined
}

/** SE5. Of a seal that is said to be of `text`. */
export function sealParts(text: string, seal: string): SealParts {
  const [key = '', signature = '', ...steps] = seal.split('.')
  return { key, signature, signed: steps.length === 0 ? text : sealRoot(text, steps) }
}
