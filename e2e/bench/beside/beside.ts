// Reins and a peer of it in one run: `npm run bench -- --beside restate`. Both are up all the time; in each round each of them is measured
// with each number of clients, one right after the other, and the next round begins with the other one.
import path from 'node:path'
import { loadavg } from 'node:os'
import { loadLocalConfig } from '@reins/local'
import { environment } from '../config.ts'
import { HeldModel } from '../product/held-model.ts'
import { cpuMs } from '../product/processes.ts'
import { clientCounts, type Measured, type Restarts, type Round } from '../report/side-by-side.ts'
import { spread } from '../report/numbers.ts'
import { drive } from '../turns/load.ts'
import type { Peer } from './peers.ts'
import { startReins } from './reins.ts'
import { startRestate } from './restate.ts'
import { installRestate } from './restate-install.ts'

export interface SideBySide {
  readonly names: readonly [string, string]
  readonly rounds: readonly Round[]
  readonly restarts: readonly [Restarts, Restarts]
}

export interface BesideOptions {
  readonly quick: boolean
  readonly rounds: number
}

const goesOnWithinMs = 60_000

export async function measureBeside(options: BesideOptions, say: (line: string) => void): Promise<SideBySide> {
  const { cacheDir } = loadLocalConfig(environment, {}, process.cwd())
  const installed = await installRestate(path.join(cacheDir, 'bench'), say)
  await using open = new AsyncDisposableStack()
  const model = new HeldModel()
  open.defer(async () => model.close())
  const heldUrl = await model.open()
  const reins = await startReins(heldUrl)
  open.defer(() => reins.close())
  const restate = await startRestate({ installed, modelUrl: reins.modelUrl, note: reins.note })
  open.defer(() => restate.close())

  say('  warming up')
  const [seconds, warmSeconds] = options.quick ? [4, 5] : [6, 12]
  for (const peer of [reins, restate]) {
    await drive(peer, 1, warmSeconds / 2)
    await drive(peer, 16, warmSeconds / 2)
  }
  const rounds: Round[] = []
  for (let number = 1; number <= options.rounds; number++) {
    say(`  round ${number} of ${options.rounds}`)
    const load = loadavg()[0] ?? 0
    const measured: Measured[] = []
    for (const clients of clientCounts) {
      const first = number % 2 === 1
      const one = await measure(first ? reins : restate, clients, seconds)
      const other = await measure(first ? restate : reins, clients, seconds)
      measured.push({ clients, of: first ? [one, other] : [other, one] })
    }
    rounds.push({ load, measured })
  }
  say('  kill -9 of everything')
  const times = options.quick ? 2 : 5
  const restarts: [Restarts, Restarts] = [
    await measureRestarts(reins, model, heldUrl, times),
    await measureRestarts(restate, model, heldUrl, times),
  ]
  return { names: [reins.name, restate.name], rounds, restarts }
}

async function measure(peer: Peer, clients: number, seconds: number): Promise<Measured['of'][0]> {
  await drive(peer, clients, seconds / 4)
  const before = cpu(peer)
  const { samples, ms } = await drive(peer, clients, seconds)
  return {
    ms: spread(samples),
    turnsPerSecond: Math.round((samples.length * 1000) / ms),
    cpuPerTurn: Math.round(((cpu(peer) - before) / samples.length) * 1000) / 1000,
  }
}

const cpu = (peer: Peer): number => peer.pids().reduce((sum, pid) => sum + cpuMs(pid), 0)

/** A turn whose model is silent, everything killed, everything started: until the model is asked again. */
async function measureRestarts(peer: Peer, model: HeldModel, heldUrl: string, times: number): Promise<Restarts> {
  const goingOnMs: number[] = []
  const readyMs: number[] = []
  for (let i = 0; i < times; i++) {
    const turn = model.turn()
    const asked = turn.asked(`${peer.name}, in turn ${i + 1},`, performance.now(), goesOnWithinMs)
    // What the peer says against the turn is told before the time of the model is over. That it is killed is no news.
    const refused = peer.beginHeld(heldUrl, turn.message).then(() => asked)
    refused.catch(() => {})
    await Promise.race([asked, refused])
    const from = performance.now()
    await peer.kill()
    await model.forgetConnections()
    turn.answer()
    const gone = performance.now()
    await peer.startAgain()
    readyMs.push(Math.round(performance.now() - from))
    const again = await turn.asked(`${peer.name}, started again after turn ${i + 1},`, gone, goesOnWithinMs)
    goingOnMs.push(Math.round(again - from))
    turn.over()
  }
  return { goingOnMs, readyMs }
}
