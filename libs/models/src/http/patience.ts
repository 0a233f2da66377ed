// A deadline for what comes over a socket. A process that was stopped, or that was busy, finds its timers due before it has read what
// had arrived in time: so what has arrived is read first, and whoever is answered by it clears the deadline.
//   - Thousands of calls that wait have two of these each: no closures, and whoever waits is told by a method of its own.
const readFirstMs = 500

export interface Patient {
  /** Its time is over. */
  late(): void
}

export class Patience {
  readonly #patient: Patient
  readonly #first: NodeJS.Timeout
  #last: NodeJS.Timeout | undefined

  constructor(ms: number, patient: Patient) {
    this.#patient = patient
    this.#first = setTimeout(Patience.#readFirst, ms, this)
  }

  static #readFirst(late: Patience): void {
    late.#last = setTimeout(() => late.#patient.late(), readFirstMs)
  }

  clear(): void {
    clearTimeout(this.#first)
    clearTimeout(this.#last)
  }

  /** From now on. */
  refresh(): void {
    clearTimeout(this.#last)
    this.#first.refresh()
  }
}
