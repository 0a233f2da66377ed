// What the gateway is told about writes: whether they are possible now, and with which error they are refused when they are not.
import { ReinsError } from '@reins/contracts'
import type { AppendWatch, Obstacle } from '@reins/journal'
import type { Admission } from '@reins/session-gateway'
import type { DiskLimits, DiskState } from './data/disk-budget.ts'
import type { ServerStates } from './servers/server-state.ts'

export function admissionOf(watch: AppendWatch, disk: (() => DiskState) | undefined): Admission {
  const writes = (): ReinsError | undefined => errorOf(watch.obstacle())
  return {
    writes,
    newSessions: () => {
      const state = disk?.()
      return writes() ?? (state?.level === 'no-new-sessions' ? full(state.text) : undefined)
    },
    onObstacle: (on) => watch.onObstacle(on),
  }
}

/** What others than the broker know to be in the way of appends: the disk, and the embedded server's own word. */
export function outsideObstacle(
  disk: (() => DiskState) | undefined,
  servers: (() => ServerStates) | undefined,
): Obstacle | undefined {
  const state = disk?.()
  if (state?.level === 'no-appends') return { cause: 'disk-full', why: state.text }
  const broker = servers?.()['nats-server']
  // One that is away is back in a moment: whoever writes waits for it.
  if (broker?.kind !== 'sick') return undefined
  const cause = /is full|no space left/.test(broker.why) ? 'disk-full' : 'sick'
  return { cause, why: `nats-server is sick: ${broker.why}` }
}

/** For whoever writes something else than frames of sessions. */
export const fullError = (disk: DiskState | undefined): ReinsError | undefined =>
  disk?.level === 'no-appends' ? full(disk.text) : undefined

/** For code of agents, which is kept for ever: it is refused as early as new sessions. */
export const fullForCode = (disk: DiskState | undefined, { newSessionsPercent }: DiskLimits): ReinsError | undefined =>
  disk?.level === 'no-new-sessions'
    ? full(
        `${disk.text.slice(0, disk.text.indexOf(':'))}: no new code of agents is kept from ${newSessionsPercent} % on`,
      )
    : fullError(disk)

function errorOf(obstacle: Obstacle | undefined): ReinsError | undefined {
  if (obstacle === undefined) return undefined
  if (obstacle.cause === 'disk-full') return full(obstacle.why)
  return new ReinsError('unavailable', sentence(obstacle.why))
}

const full = (why: string): ReinsError => new ReinsError('storage_full', sentence(why))
const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
