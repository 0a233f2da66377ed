// What makes two worlds the same: a text of everything that later moves can depend on, hashed to 64 bits (the text is not kept).
//   K1. Sequences of the stream are left out: a frame is known by its session and n, so that the order between sessions does not count.
//   K2. What stands in a session's log is known by the chain of its hashes, and by the addresses and statuses that those leave out.
import { flightOf } from '@reins/session'
import type { ExecSession } from '../executor/state.ts'
import type { RunSession } from '../runner/state.ts'
import { type Process, short, type TriggerState, type World } from '../world/world.ts'

const logs = new WeakMap<object, string>()

export function worldKey(world: World): string {
  let text = `${world.done}${world.rules.statusWithoutFold ? world.remembered : ''}|${world.faultsLeft}`
  if (world.faultsLeft > 0) for (const [kind, left] of Object.entries(world.faults)) text += `${kind}${left}`
  const ids = [...world.sessions()].sort()
  for (const id of ids) text += `|${short(id)}:${logKey(world, id)}`
  const triggers = [...world.triggers.values()].map((trigger) => triggerKey(world, trigger))
  text += `|${triggers.sort().join()}|`
  if (world.has('server')) text += world.recent.map((seq) => world.nameOf(seq)).join()
  text += world.flights
    .map(({ seq, by }) => `${world.nameOf(seq)}${by}`)
    .sort()
    .join()
  text += `|${[...world.tim].sort().join()}|${[...world.begun].sort().join()}|${[...world.stored].sort().join()}`
  if (world.scenario.budget) text += `|${world.attempts}`
  for (const process of world.processes.values()) text += `|${processKey(world, process)}`
  return hash64(text)
}

/** Deliveries are counted only by a wrong rule; whether a frame is young matters to the runner that is given it first. */
function triggerKey(world: World, { seq, kind, state, first, young }: TriggerState): string {
  const counts = world.rules.countsDeliveries || kind === 'tool'
  return `${world.nameOf(seq)}${state}${counts && first && state === 'ready' ? (young ? 'y' : 'f') : ''}`
}

/** The log of a session, by its latest frame: a fold belongs to one log only, so it can remember it. */
function logKey(world: World, id: string): string {
  const fold = world.read(id)
  const known = logs.get(fold)
  if (known !== undefined) return known
  const text = world.stream
    .read(id)
    .map(({ to, frame }) => `${to.kind[0]}${to.kind === 'log' ? '' : to.pool}${frame.status}`)
    .join()
  const key = hash64(`${fold.head.hash}${text}`)
  logs.set(fold, key)
  return key
}

function processKey(world: World, process: Process): string {
  const { name, life, stalled, suspect, used, missed } = process
  let text = `${name}.${life}${stalled ? 's' : ''}${suspect ? '?' : ''}${used ? 'u' : ''}`
  for (const [id, seq] of missed) if (seq === world.read(id).head.seq) text += `-${short(id)}`
  const sessions =
    process.kind === 'executor'
      ? [...process.sessions].map(([id, state]) => `${short(id)}${executorKey(world, state)}`)
      : [...process.sessions].map(([id, state]) => `${short(id)}${runnerKey(world, state)}`)
  text += sessions.sort().join(';')
  return text
}

const sendingKey = (sending: ExecSession['sending'] | RunSession['sending']): string =>
  sending
    ? `>${short(sending.order.session)}${sending.order.head.n}${JSON.stringify(sending.order.events)}${sending.order.to.kind}${sending.order.status}${JSON.stringify(sending.then)}${'early' in sending ? sending.early : ''}`
    : ''

function executorKey(world: World, { fold, held, running, started, done, sending }: ExecSession): string {
  const counts = world.rules.countsDeliveries
  const holds = [...held].map(
    ([seq, { redelivered, errands }]) => `${world.nameOf(seq)}${counts && redelivered ? 'r' : ''}${errands}`,
  )
  // Only of the call that its fold shows can it matter whether it was started here: a fold never goes back.
  const model = flightOf(fold.session)
  const begun = model && started.includes(`${model.call}/${model.attempt}`) ? 'b' : ''
  return `${fold.head.n}[${holds.sort().join()}]${running ? `${running.call}/${running.attempt}${running.body ?? ''}` : ''}${begun}${withheld(world, fold, done)}${sendingKey(sending)}`
}

/** Errands that are taken for done, though the log says otherwise: what is done there is done, whether a process remembers it or not. */
function withheld(world: World, { session }: ExecSession['fold'], done: readonly string[]): readonly string[] {
  const { id } = session
  const parent = session.born?.parent
  const calls = parent ? (world.read(parent.session).session.turn?.calls ?? []) : []
  const waits = calls.some(({ state }) => state.kind === 'delegated' && state.child === id)
  return done.filter((name) => {
    if (name.startsWith('create ')) return !world.truth.has(name.slice('create '.length))
    return name.startsWith('resume ') ? !heardOf(world, name.slice('resume '.length)) : waits
  })
}

/** Whether some child knows that it answers this call. */
const heardOf = (world: World, call: string): boolean =>
  world.sessions().some((id) => world.read(id).session.continued === call)

function runnerKey(world: World, { head, held, running, started, looked, sending }: RunSession): string {
  const holds = [...held].map(([seq, { view, fresh, beyond, acked, discovery }]) => {
    const calls = view.map(({ state }) =>
      state.kind === 'claimed' || state.kind === 'parked'
        ? `${state.kind[0]}${state.attempt}${state.by}${state.kind === 'parked' && state.answer ? '!' : ''}`
        : `${state.kind.slice(0, 1)}${state.kind === 'needed' ? state.attempt : ''}`,
    )
    return `${world.nameOf(seq)}${fresh ? 'f' : ''}${acked ? 'a' : ''}${beyond ? 'b' : ''}${discovery ? `d${discovery.closed}` : ''}${calls.join('.')}`
  })
  const open = [...held.values()].flatMap(({ view }) => view.filter((one) => one.state.kind !== 'done'))
  const begun = started.filter((key) => open.some(({ call }) => key.startsWith(`${call}/`)))
  const seen = looked.filter((call) => open.some((one) => one.call === call && one.state.kind === 'asked'))
  const runs = running
    .map(
      ({ call, attempt, seq, asked, stored, files }) =>
        `${call}/${attempt}${stored ? '+' : ''}${files === undefined ? '' : `[${files}]`}${asked ? `${asked}${world.nameOf(seq)}` : ''}`,
    )
    .sort()
  return `${head.n}[${holds.sort().join()}]${runs.join()}(${begun.sort().join()})${seen.join()}${sendingKey(sending)}`
}

/** Two 32-bit lanes of multiply and xor, well mixed at the end: as four characters. */
export function hash64(text: string): string {
  let a = 0x9e3779b9
  let b = 0x85ebca6b
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    a = Math.imul(a ^ code, 0x9e3779b1)
    b = Math.imul(b ^ code, 0x5f356495)
    b ^= a >>> 15
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35)
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35)
  return String.fromCharCode(a & 0xffff, a >>> 16, b & 0xffff, b >>> 16)
}
