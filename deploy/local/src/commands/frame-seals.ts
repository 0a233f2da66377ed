// Which frames of a session were not written by the service that they name: by the signature that each has of its writer (seals.ts).
//   FS1. From the first frame of a role on that is sealed by a key that is known here, each frame of that role has to be. Before it, and
//        where no key is known, frames say nothing of who wrote them: older processes signed none.
import { frameSealText, type SealRole, type Seals } from '@reins/contracts'
import type { StoredFrame } from '@reins/session'

export interface FrameSeals {
  /** How many frames are sealed by a key that is known here. */
  readonly sealed: number
  readonly problems: readonly string[]
}

export function checkFrameSeals(
  session: string,
  stored: readonly StoredFrame[],
  { check }: Pick<Seals, 'check'>,
): FrameSeals {
  const signing = new Set<SealRole>()
  const problems: string[] = []
  let sealed = 0
  for (const { frame } of stored) {
    const { role, seal = '' } = frame
    const state = check(role, frameSealText(frame), seal)
    if (state === 'sound') {
      sealed++
      signing.add(role)
    } else if (state !== 'unknown' && signing.has(role))
      problems.push(
        `${session}#${frame.n}: ${state === 'none' ? 'it is not signed, and frames of the same service before it are' : 'its signature is none of the service that it names'}`,
      )
  }
  return { sealed, problems }
}
