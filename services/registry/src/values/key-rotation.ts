// Changing the key that wraps the data keys of secrets, while everything goes on.
//   KR1. From the first moment on, both keys open what there is: the new one is in the key file before anything is wrapped under it, and
//        the old one leaves it when nothing is wrapped under it any more.
//   KR2. It can be killed at any line, and asked for again: a key file with two keys says that it is under way, and it goes on with these.
//   KR3. A secret that no key opens is left as it is, and named: it was lost before, and must not keep the others from a new key.
import { type KeyRotation, ReinsError } from '@reins/contracts'
import { type Envelope, type Keyring, makeKey, type RandomBytes, rewrapSecret } from '@reins/secrets'
import type { Keys } from './keys.ts'

export type Rotated = KeyRotation

/** Records of one kind that are wrapped under the keys. */
export interface Wrapped {
  /** Those that are kept. `key`: the id of the key that wraps it. */
  all(): Promise<readonly { readonly name: string; readonly key: string }[]>
  /** Wraps one anew, as `make` says, whatever it is by then. undefined: nothing was to be done. */
  rewrap(name: string, make: (envelope: Envelope) => Envelope | undefined): Promise<number | undefined>
  /** The label to which a record is bound. */
  labelOf(name: string): string
  /** What a person does to have one again that no key opens. */
  again(name: string): string
}

export interface RotationOptions {
  readonly all: readonly Wrapped[]
  readonly keys: Keys
  readonly pauseAt?: ((point: string) => Promise<void> | undefined) | undefined
}

export async function rotateKey({ all, keys, pauseAt }: RotationOptions): Promise<Rotated> {
  const { store, random } = keys
  const before = store.read()
  if (!store.write) return rotateGiven(all, before, store.where, random)
  const underWay = before.older.length > 0 // KR2
  const keyring = underWay ? before : { current: makeKey(random(32)), older: [before.current] }
  if (!underWay) store.write(keyring)
  await pauseAt?.('registry.key-written')
  const { rewrapped, lost } = await wrapAll(all, keyring, random, pauseAt)
  await pauseAt?.('registry.secrets-wrapped')
  store.write({ current: keyring.current, older: [] })
  return {
    outcome: underWay ? 'finished' : 'rotated',
    key: keyring.current.id,
    rewrapped,
    ...(lost.length === 0 ? {} : { next: lostText(lost) }),
  }
}

/** The operator gives the keys: the new one stands first, and Reins wraps everything under it. */
async function rotateGiven(
  all: RotationOptions['all'],
  keyring: Keyring,
  where: string,
  random: RandomBytes,
): Promise<Rotated> {
  if (keyring.older.length === 0)
    throw new ReinsError(
      'invalid_request',
      `The key of the secrets is given by ${where}, so Reins cannot make a new one.`,
      {
        next: `Put a new key in front of the old one, with a comma between them, start the registry again, and repeat this. See docs/secrets.md.`,
      },
    )
  const { rewrapped, lost } = await wrapAll(all, keyring, random, undefined)
  return {
    outcome: rewrapped > 0 ? 'rotated' : 'kept',
    key: keyring.current.id,
    rewrapped,
    next:
      lost.length === 0
        ? `Everything is under the first key of ${where} now: remove the others from it.`
        : lostText(lost),
  }
}

async function wrapAll(
  all: RotationOptions['all'],
  keyring: Keyring,
  random: RandomBytes,
  pauseAt: RotationOptions['pauseAt'],
): Promise<{ readonly rewrapped: number; readonly lost: readonly string[] }> {
  const lost: string[] = []
  let rewrapped = 0
  for (const one of all) {
    const result = await wrapEach(one, keyring, random, pauseAt)
    rewrapped += result.rewrapped
    lost.push(...result.lost.map((name) => one.again(name)))
  }
  return { rewrapped, lost }
}

async function wrapEach(
  kind: Wrapped,
  keyring: Keyring,
  random: RandomBytes,
  pauseAt: RotationOptions['pauseAt'],
): Promise<{ readonly rewrapped: number; readonly lost: readonly string[] }> {
  const lost = new Set<string>()
  let rewrapped = 0
  for (;;) {
    const stale = (await kind.all()).filter(({ name, key }) => key !== keyring.current.id && !lost.has(name))
    if (stale.length === 0) return { rewrapped, lost: [...lost] }
    for (const { name } of stale) {
      const seq = await kind.rewrap(name, (envelope) => {
        if (envelope.key === keyring.current.id) return undefined
        const result = rewrapSecret(kind.labelOf(name), envelope, keyring, random)
        if (result.kind === 'wrapped') return result.envelope
        lost.add(name)
        return undefined
      })
      if (seq !== undefined) rewrapped++
      await pauseAt?.('registry.secret-wrapped')
    }
  }
}

const lostText = (names: readonly string[]): string => `No key opens these, so set them anew: ${names.join(', ')}`
