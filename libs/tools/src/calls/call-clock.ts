// The time of one call. It stands still while a person is asked, and begins anew with the answer.
export class CallClock {
  readonly #alarms: { readonly ms: number; readonly ring: () => void }[] = []
  #timers: NodeJS.Timeout[] = []
  #pauses = 0
  #stopped = false

  get paused(): boolean {
    return this.#pauses > 0
  }

  after(ms: number, ring: () => void): void {
    this.#alarms.push({ ms, ring })
    if (!this.paused) this.#timers.push(setTimeout(ring, ms))
  }

  pause(): void {
    this.#pauses++
    this.#clear()
  }

  /** `moreMs`: what the call gets besides. */
  resume(moreMs = 0): void {
    this.#pauses--
    if (this.paused || this.#stopped) return
    this.#timers = this.#alarms.map(({ ms, ring }) => setTimeout(ring, ms + moreMs))
  }

  stop(): void {
    this.#stopped = true
    this.#clear()
  }

  #clear(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers = []
  }
}
