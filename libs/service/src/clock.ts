// The one place where a service reads the clock and throws dice; everything else is handed these.
export interface Clock {
  /** epoch ms */
  now(): number
  /** [0, 1) */
  random(): number
}
export const systemClock: Clock = { now: () => Date.now(), random: () => Math.random() }
