// What every adapter of the journal's ports must do, said against the ports alone. Run over memory, one server, three replicas.
//   K1. Sessions, pools and timers are new in each test: adapters may share one broker.
//   K2. No test waits for time to pass: "it does not come again" is shown by something else that comes later.
import { afterAll, beforeAll, describe } from 'vitest'
import { appendingContract } from './contract/appending.ts'
import { followingContract } from './contract/following.ts'
import { readingContract } from './contract/reading.ts'
import { bundlesContract, storesContract } from './contract/stores.ts'
import { type ContractSubject, Trial } from './contract/trial.ts'
import { workContract } from './contract/work.ts'

export type { ContractSubject } from './contract/trial.ts'

/** `parts`: `sessions` leaves out what has stores of its own, and does not know how many streams hold the sessions. */
export function journalContract(
  name: string,
  make: () => Promise<ContractSubject>,
  { parts = 'all' }: { readonly parts?: 'all' | 'sessions' } = {},
): void {
  describe(`journal: ${name}`, () => {
    const on = new Trial()
    beforeAll(async () => on.use(await make()))
    afterAll(async () => on.subject.close())

    appendingContract(on)
    readingContract(on)
    followingContract(on)
    workContract(on)
    bundlesContract(on)
    if (parts === 'all') storesContract(on)
  })
}
