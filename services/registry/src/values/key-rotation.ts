// Changing the key that wraps the data keys of secrets, while everything goes on.
//   KR1. From the first moment on, both keys open what there is: the new one is in the key file before anything is wrapped under it, and
//        the old one leaves it when nothing is wrapped under it any more.
//   KR2. It can be killed at any line, and asked for again: a key file with two keys says that it is under way, and it goes on with these.
//   KR3. A secret that no key opens is left as it is, and named: it was lost before, and must not keep the others from a new key.
import { type KeyRotation, ReinsError, type SecretEntry } from '@reins/contracts'
import { type Keyring, type KeyStore, makeKey, type RandomBytes, rewrapSecret } from '@reins/secrets'
import type { Entries } from './entries.ts'

export type Rotated = KeyRotation

export interface RotationOptions {
  readonly entries: Entries<typeof SecretEntry, SecretEntry>
  readonly keys: KeyStore
  readonly random: RandomBytes
  readonly pauseAt?: ((point: string) => Promise<void> | undefined) | undefined
}

export async function rotateKey({ entries, keys, random, pauseAt }: RotationOptions): Promise<Rotated> {
  const before = keys.read()
  if (!keys.write) return rotateGiven(entries, before, keys.where, random)
  const underWay = before.older.length > 0 // KR2
  const keyring = underWay ? before : { current: makeKey(random(32)), older: [before.current] }
  if (!underWay) keys.write(keyring)
  await pauseAt?.('registry.key-written')
  const { rewrapped, lost } = await wrapAll(entries, keyring, random, pauseAt)
  await pauseAt?.('registry.secrets-wrapped')
  keys.write({ current: keyring.current, older: [] })
  return {
    outcome: underWay ? 'finished' : 'rotated',
    key: keyring.current.id,
    rewrapped,
    ...(lost.length === 0 ? {} : { next: lostText(lost) }),
  }
}

/** The operator gives the keys: the new one stands first, and Reins wraps everything under it. */
async function rotateGiven(
  entries: RotationOptions['entries'],
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
  const { rewrapped, lost } = await wrapAll(entries, keyring, random, undefined)
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
  entries: RotationOptions['entries'],
  keyring: Keyring,
  random: RandomBytes,
  pauseAt: RotationOptions['pauseAt'],
): Promise<{ readonly rewrapped: number; readonly lost: readonly string[] }> {
  const lost = new Set<string>()
  let rewrapped = 0
  for (;;) {
    const stale = (await entries.all()).filter(({ name, key }) => key !== keyring.current.id && !lost.has(name))
    if (stale.length === 0) return { rewrapped, lost: [...lost] }
    for (const { name } of stale) {
      const seq = await entries.change(name, (entry) => {
        if (entry?.kind !== 'kept' || entry.key === keyring.current.id) return undefined
        const result = rewrapSecret(name, entry, keyring, random)
        if (result.kind === 'wrapped') return { ...entry, ...result.envelope }
        lost.add(name)
        return undefined
      })
      if (seq !== undefined) rewrapped++
      await pauseAt?.('registry.secret-wrapped')
    }
  }
}

const lostText = (names: readonly string[]): string =>
  `No key opens these, so set them anew: ${names.map((name) => `reins secret set ${name}`).join(', ')}`
