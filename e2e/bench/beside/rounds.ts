// Interleaved rounds: both are up all the time; in each round each of them is measured with each number of clients, one right after the
// other, and the next round begins with the other one.
import { loadavg } from 'node:os'
import { cpuMs, machineCpuMs } from '../product/processes.ts'
import type { Figures, Measured, Round } from '../report/side-by-side.ts'
import { round, spread } from '../report/numbers.ts'
import { drive } from '../turns/load.ts'
import type { Contender, Contest } from './peers.ts'

export interface RoundsOptions {
  readonly rounds: number
  readonly seconds: number
  readonly warmSeconds: number
}

export async function measureRounds(
  contests: readonly Contest[],
  { rounds: count, seconds, warmSeconds }: RoundsOptions,
  say: (line: string) => void,
): Promise<readonly Round[]> {
  say('  warming up')
  for (const { of, share } of contests)
    for (const contender of of) {
      await drive(contender, 1, (warmSeconds * share) / 2)
      await drive(contender, 16, (warmSeconds * share) / 2)
    }
  const rounds: Round[] = []
  for (let number = 1; number <= count; number++) {
    say(`  round ${number} of ${count}`)
    const load = loadavg()[0] ?? 0
    const measured: Measured[] = []
    for (const { what, clients: counts, of, share } of contests)
      for (const clients of counts) {
        const first = number % 2 === 1
        const one = await measure(first ? of[0] : of[1], clients, seconds * share)
        const other = await measure(first ? of[1] : of[0], clients, seconds * share)
        measured.push({ what, clients, of: first ? [one, other] : [other, one] })
      }
    rounds.push({ load, measured })
  }
  return rounds
}

async function measure(contender: Contender, clients: number, seconds: number): Promise<Figures> {
  await drive(contender, clients, seconds / 4)
  const before = { each: cpuOfEach(contender), machine: machineCpuMs() }
  const { samples, ms } = await drive(contender, clients, seconds)
  const machine = machineCpuMs() - before.machine
  // A process that has ended meanwhile is not among them any more.
  const own = [...cpuOfEach(contender)].reduce((sum, [pid, used]) => sum + used - (before.each.get(pid) ?? 0), 0)
  return {
    ms: spread(samples),
    perSecond: round((samples.length * 1000) / ms),
    cpuMs: round(own / samples.length),
    machineCpuMs: round(machine / samples.length),
    processors: round(machine / ms),
  }
}

const cpuOfEach = (contender: Contender): ReadonlyMap<number, number> =>
  new Map(contender.pids().map((pid) => [pid, cpuMs(pid)]))
