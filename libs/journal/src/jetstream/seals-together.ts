// Frames that a process appends at the same time get one signature, because a signature is a tenth of what a turn costs the processor.
//   ST1. What comes within one turn of the event loop is signed at its end, so a frame that comes alone waits for nothing.
import type { Role, Seals } from '@reins/contracts'

export type SealTogether = (role: Role, text: string) => Promise<string | undefined>

interface Waiting {
  readonly text: string
  readonly resolve: (seal: string | undefined) => void
  readonly reject: (error: unknown) => void
}

/** `later`: runs something at the end of this turn of the event loop. Resolves to undefined where the process has no key of the role. */
export function sealTogether(
  seals: Pick<Seals, 'signAll'>,
  later: (run: () => void) => void = setImmediate,
): SealTogether {
  const waiting = new Map<Role, Waiting[]>()

  function signAll(): void {
    const all = [...waiting]
    waiting.clear()
    for (const [role, of] of all) {
      try {
        const made = seals.signAll(
          role,
          of.map(({ text }) => text),
        )
        for (const [i, { resolve }] of of.entries()) resolve(made?.[i])
      } catch (error) {
        for (const { reject } of of) reject(error)
      }
    }
  }

  return (role, text) =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) later(signAll)
      const of = waiting.get(role)
      if (of) of.push({ text, resolve, reject })
      else waiting.set(role, [{ text, resolve, reject }])
    })
}
