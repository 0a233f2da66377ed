// A world: sessions in a memory stream, the broker's consumers, processes, timers, what people still have to do. Deterministic: a
// move changes it, nothing else does. It is cloned at every step, so what it holds is shared and never changed in place.
//   W1. Only the writers' own knowledge decides what they write: `truth` is for checks, and for reads (from the leader).
//   W2. A fault is used up by the first append, or ack, of the move that it belongs to.
//   W3. The broker obeys a late ack, nak or working() of a holder that lost its delivery.
import { type Address, draftOn, type Frame, type Head, type Role, type Status } from '@reins/contracts'
import { asPrefix, inSource, MemoryStream } from '@reins/journal'
import { type Decision, emptyFold, type Fold, foldFrames, forkIn } from '@reins/session'
import { checkFrame } from '../checks/checks.ts'
import type { ExecutorProcess } from '../executor/state.ts'
import type { Rules } from './rules.ts'
import type { RunnerProcess } from '../runner/state.ts'
import type { FaultKind, Scenario } from '../scenarios/scenario.ts'

export const root = `01H${'Z'.repeat(23)}`
/** The session that is forked from the root. */
export const forked = `01J${'Z'.repeat(23)}`
const time = 1_700_000_000_000

export interface TriggerState {
  readonly seq: number
  readonly session: string
  readonly n: number
  readonly kind: 'exec' | 'tool'
  readonly pool: string
  readonly state: 'ready' | 'held' | 'acked'
  /** As far as the broker knows, it was never delivered. */
  readonly first: boolean
  /** Under 250 ms old. */
  readonly young: boolean
}

export type Process = ExecutorProcess | RunnerProcess
export const instanceOf = (process: Process): string => `${process.name}.${process.life}`

/** A frame as its writer wants it. */
export interface Order extends Decision {
  readonly session: string
  readonly head: Head
  readonly by: string
  readonly role: Role
  /** Tells two frames apart that one instance may have under way for one session at once. */
  readonly tag?: string
}
export type Sent = 'in' | 'refused' | 'unknown' | 'dead'

export class World {
  readonly scenario: Scenario
  readonly rules: Rules
  readonly stream: MemoryStream
  readonly truth: Map<string, Fold>
  readonly triggers: Map<number, TriggerState>
  /** The newest acks: a broker that dies may forget them. */
  recent: readonly number[] = []
  /** Acks on their way. */
  flights: readonly { readonly seq: number; readonly by: string }[] = []
  /** Timers in TIM: `<session> <timer>`. */
  tim: ReadonlySet<string> = new Set()
  readonly processes: Map<string, Process>
  /** How many of the gateway's operations are done. */
  done = 0
  /** The status that the gateway read last: only a wrong rule uses it. */
  remembered: Status = 'idle'
  /** How often the body of a `never` tool began. */
  bodies: ReadonlyMap<string, number> = new Map()
  /** Calls whose body began though no person had been asked. */
  begun: ReadonlySet<string> = new Set()
  /** Operations that the memory has recorded, and calls that it has changed something for. */
  stored: ReadonlySet<string> = new Set()
  /** Attempts of model calls that have begun, by whomever: what they use is used, whatever is known of it. */
  attempts = 0
  faults: Partial<Readonly<Record<FaultKind, number>>>
  faultsLeft: number

  /** The first thing that went wrong. */
  violation: string | null = null
  /** What happened in the latest move; only while somebody reads it. */
  notes: string[] | null = null
  /** The fault of this move, until it is used up. */
  fault: FaultKind | null = null
  /** What this move tried that a fault can hit. */
  tried: 'nothing' | 'append' | 'ack' = 'nothing'

  constructor(scenario: Scenario, rules: Rules, from?: World) {
    this.scenario = scenario
    this.rules = rules
    this.stream = from ? from.stream.clone() : new MemoryStream()
    this.truth = new Map(from ? from.truth : [])
    this.triggers = new Map(from ? from.triggers : [])
    this.processes = new Map(from ? from.processes : [])
    this.faults = from ? from.faults : scenario.faults
    this.faultsLeft = from ? from.faultsLeft : scenario.total
  }

  clone(): World {
    const copy = new World(this.scenario, this.rules, this)
    copy.recent = this.recent
    copy.flights = this.flights
    copy.tim = this.tim
    copy.done = this.done
    copy.remembered = this.remembered
    copy.bodies = this.bodies
    copy.begun = this.begun
    copy.stored = this.stored
    copy.attempts = this.attempts
    copy.violation = this.violation
    return copy
  }

  note(text: string): void {
    this.notes?.push(text)
  }

  fail(what: string): void {
    this.violation ??= what
    this.notes?.push(`!! ${what}`)
  }

  /** The fold at the leader's head. */
  read(session: string): Fold {
    return this.truth.get(session) ?? emptyFold(session)
  }

  /** What a replica may still show: the session before its newest frame. */
  readStale(session: string): Fold {
    return foldFrames(emptyFold(session), this.frames(session, 0).slice(0, -1))
  }

  /** Of a fork, first those of the session that it was forked from. */
  frames(session: string, after: number): readonly Frame[] {
    const own = this.stream.read(session, after < 1 ? 0 : after).map(({ frame }) => frame)
    const fork = after < 1 && own[0] ? forkIn(own[0]) : undefined
    return fork ? [...this.#prefix(fork.from, fork.n, after), ...own] : own
  }

  #prefix(from: string, n: number, after = 0): readonly Frame[] {
    return this.frames(from, inSource(after))
      .filter((frame) => frame.n <= n)
      .map(asPrefix)
  }

  sessions(): readonly string[] {
    return [...this.truth.keys()]
  }

  has(kind: FaultKind): boolean {
    return this.faultsLeft > 0 && (this.faults[kind] ?? 0) > 0
  }

  use(kind: FaultKind): void {
    this.faults = { ...this.faults, [kind]: (this.faults[kind] ?? 0) - 1 }
    this.faultsLeft--
  }

  /** Appends, or does not: PROTOCOL 3. `process` is whoever a fault of the move may hit. */
  send(order: Order, process: Process | null): Sent {
    this.tried = 'append'
    const fault = process ? this.fault : null
    this.fault = null
    if (fault === 'lose-request') {
      this.note(`${instanceOf(process!)} sends ${summary(order)}; it is on its way`)
      return 'unknown'
    }
    const stored = this.#store(order)
    if (fault === 'die') {
      this.note(`${instanceOf(process!)} dies as that is in`)
      this.crash(process!)
      return 'dead'
    }
    if (fault === 'lose-ack') {
      this.note('   … and its writer does not hear of it')
      return 'unknown'
    }
    return stored ? 'in' : 'refused'
  }

  /** Sends the same frame again, and reads on from `prev`: is it in? */
  resolve(order: Order): 'in' | 'refused' {
    if (this.#store(order)) return 'in'
    const after = this.stream.read(order.session, order.head.seq).map(({ frame }) => frame)
    const found = this.rules.compareLastFrame ? after.at(-1) : after[0]
    return found?.id === idOf(order) ? 'in' : 'refused'
  }

  #store(order: Order): boolean {
    const { session, head, by, role, events, to, status } = order
    const pool = head.pool || order.pool
    const draft = draftOn(head, { frame: idOf(order), by, role }, { events, to, status, pool, at: time })
    const stored = this.stream.append(session, draft, to, head.hash, 0)
    this.note(`${by} appends ${summary(order)}${stored ? '' : ': refused'}`)
    if (!stored) return false
    const { seq, n } = stored.frame
    const [first] = events
    const before =
      first?.type === 'session.forked' && n > 1
        ? foldFrames(emptyFold(session), this.#prefix(first.data.from, n - 1))
        : this.read(session)
    this.truth.set(session, checkFrame(this, before, stored))
    if (to.kind !== 'log')
      this.triggers.set(seq, {
        seq,
        session,
        n,
        kind: to.kind,
        pool: to.pool,
        state: 'ready',
        first: true,
        young: true,
      })
    return true
  }

  setTrigger(seq: number, change: Partial<TriggerState>): void {
    const old = this.triggers.get(seq)
    if (old) this.triggers.set(seq, { ...old, ...change })
  }

  /** A holder's ack on its way to the broker; W3. */
  ack(seq: number, by: Process): void {
    this.tried = 'ack'
    if (this.fault === 'late-ack') {
      this.fault = null
      this.flights = [...this.flights, { seq, by: instanceOf(by) }]
      this.note(`${instanceOf(by)} acks ${this.nameOf(seq)}; that is on its way`)
    } else {
      this.note(`${instanceOf(by)} acks ${this.nameOf(seq)}`)
      this.acked(seq)
    }
  }

  acked(seq: number): void {
    if (this.triggers.get(seq)?.state === 'acked') return
    this.setTrigger(seq, { state: 'acked' })
    this.recent = [...this.recent, seq].slice(-2)
  }

  nak(seq: number): void {
    if (this.triggers.get(seq)?.state === 'held') this.setTrigger(seq, { state: 'ready', young: false })
  }

  /** A process's next life: it knows nothing. */
  crash(process: Process): void {
    const { name, life } = process
    const fresh = { name, life: life + 1, stalled: false, suspect: false, used: true, missed: new Map() }
    this.processes.set(
      name,
      process.kind === 'executor'
        ? { ...fresh, kind: 'executor', sessions: new Map() }
        : { ...fresh, kind: 'runner', sessions: new Map() },
    )
  }

  /** Those who say working() for a trigger. */
  keepers(seq: number): readonly Process[] {
    const { session } = this.triggers.get(seq) ?? { session: '' }
    return [...this.processes.values()].filter(
      (process) => !process.stalled && !process.suspect && holds(process, session, seq),
    )
  }

  /** Whether a process will hear, without asking, of frames of a session above `head`. */
  willHear(process: Process, session: string, head: number): boolean {
    const newest = this.read(session).head.seq
    return newest > head && newest > (process.missed.get(session) ?? 0)
  }

  /** The process that is this instance, if it lives and answers. */
  reachable(instance: string): Process | undefined {
    const process = this.processes.get(instance.split('.')[0] ?? '')
    return process && instanceOf(process) === instance && !process.stalled ? process : undefined
  }

  nameOf(seq: number): string {
    const stored = this.stream.bySeq(seq)
    return stored ? `${short(stored.session)}#${stored.frame.n}` : `seq ${seq}`
  }
}

function holds(process: Process, session: string, seq: number): boolean {
  if (process.kind === 'executor') return process.sessions.get(session)?.held.has(seq) ?? false
  const hold = process.sessions.get(session)?.held.get(seq)
  return hold !== undefined && !hold.acked
}

const idOf = ({ by, head, tag }: Order): string => `${by}:${head.n + 1}${tag ? `:${tag}` : ''}`
export function short(session: string): string {
  if (session === root || session === forked) return session === root ? 'root' : 'fork'
  return `${session.startsWith(forked) ? 'fork-' : ''}child-${session.slice(-3)}`
}

const address = (to: Address): string => (to.kind === 'log' ? 'log' : `${to.kind}.${to.pool}`)
function summary({ session, head, events, to, status }: Order): string {
  const names = events.map((event) => {
    const data = event.data as { call?: string; attempt?: number; message?: string; onBusy?: string }
    const of = data.call ?? data.message
    const attempt = data.attempt === undefined ? '' : `/${data.attempt}`
    return `${event.type}${of === undefined ? '' : `(${of}${attempt}${data.onBusy ? `, ${data.onBusy}` : ''})`}`
  })
  return `${short(session)}#${head.n + 1} → ${address(to)} [${names.join(', ')}] status ${status}`
}
