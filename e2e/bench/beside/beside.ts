// Reins and a peer of it in one run: `npm run bench -- --beside restate`, or `flue`.
import path from 'node:path'
import { loadLocalConfig } from '@reins/local'
import { environment } from '../config.ts'
import type { Beside } from '../options.ts'
import { HeldModel } from '../product/held-model.ts'
import { type Restarts, type Round, toolTurn } from '../report/side-by-side.ts'
import { startFlue } from './flue.ts'
import { installFlue } from './flue-install.ts'
import type { Contest, Peer } from './peers.ts'
import { startReins } from './reins.ts'
import { startRestate } from './restate.ts'
import { installRestate } from './restate-install.ts'
import { measureRounds, type RoundsOptions } from './rounds.ts'

export interface SideBySide {
  readonly names: readonly [string, string]
  readonly rounds: readonly Round[]
  readonly restarts: readonly [Restarts, Restarts]
}

export interface BesideOptions {
  readonly quick: boolean
  readonly rounds: number
}

type Say = (line: string) => void

const goesOnWithinMs = 60_000
const withoutSessions = [1, 16]

export function measureBeside(beside: Beside, options: BesideOptions, say: Say): Promise<SideBySide> {
  const cache = path.join(loadLocalConfig(environment, {}, process.cwd()).cacheDir, 'bench')
  return beside === 'restate' ? besideRestate(cache, options, say) : besideFlue(cache, options, say)
}

const timesOf = ({ quick, rounds }: BesideOptions): RoundsOptions => ({
  rounds,
  ...(quick ? { seconds: 4, warmSeconds: 5 } : { seconds: 6, warmSeconds: 12 }),
})

async function besideRestate(cache: string, options: BesideOptions, say: Say): Promise<SideBySide> {
  const installed = await installRestate(cache, say)
  await using open = new AsyncDisposableStack()
  const model = new HeldModel()
  open.defer(async () => model.close())
  const heldUrl = await model.open()
  const reins = await startReins(heldUrl)
  open.defer(() => reins.close())
  const restate = await startRestate({ installed, modelUrl: reins.modelUrl, note: reins.note })
  open.defer(() => restate.close())

  const steps = reins.workflow('steps')
  const inRuns = { clients: withoutSessions, share: 0.5 }
  const contests: readonly Contest[] = [
    { what: toolTurn, clients: [1, 16, 64], share: 1, of: [reins, restate] },
    { what: 'three steps as a workflow', ...inRuns, of: [steps, restate.workflow] },
    { what: 'three steps, beside a handler of a service', ...inRuns, of: [steps, restate.service] },
  ]
  const rounds = await measureRounds(contests, timesOf(options), say)
  say('  kill -9 of everything')
  const times = options.quick ? 2 : 5
  const restarts: [Restarts, Restarts] = [
    await measureRestarts(reins, model, heldUrl, times),
    await measureRestarts(restate, model, heldUrl, times),
  ]
  return { names: [reins.name, restate.name], rounds, restarts }
}

/** Workflows alone: in the memory of Flue's process, and with its SQLite file. */
async function besideFlue(cache: string, options: BesideOptions, say: Say): Promise<SideBySide> {
  const installed = await installFlue(cache, say)
  await using open = new AsyncDisposableStack()
  const reins = await startReins()
  open.defer(() => reins.close())
  const contests: Contest[] = []
  for (const store of ['memory', 'sqlite'] as const) {
    const flue = await startFlue({ installed, modelUrl: reins.modelUrl, store })
    open.defer(() => flue.close())
    const kept = store === 'memory' ? 'Flue in memory' : 'Flue on SQLite'
    const common = { clients: withoutSessions, share: 0.5 }
    contests.push(
      { what: `workflow that returns at once (${kept})`, ...common, of: [reins.workflow('nothing'), flue.nothing] },
      { what: `workflow with one prompt (${kept})`, ...common, of: [reins.workflow('prompt'), flue.prompt] },
    )
  }
  const rounds = await measureRounds(contests, timesOf(options), say)
  const none: Restarts = { goingOnMs: [], readyMs: [] }
  return { names: [reins.name, 'Flue'], rounds, restarts: [none, none] }
}

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
