// Liveness between instances (PROTOCOL 6): heartbeats that say who holds what, questions to an owner, and being told that an owner fell silent.
//   L1. Nothing here is safety: a wrong "gone" costs a takeover that the append decides.
//   L2. An instance whose own timer ran late, or that has just reconnected, is suspect: it says nothing and believes nothing until
//       its owner has re-read what it holds (`recheck`).
//   L3. A silent instance is only ever asked; what it said it held is handed to `onGone` when it does not answer.
import { setTimeout as pause } from 'node:timers/promises'
import {
  type ControlReply,
  type ControlRequest,
  controlSubject,
  decodeControlReply,
  decodeControlRequest,
  decodeHeartbeat,
  type GivenTrigger,
  type Heartbeat,
  type ModelProviders,
  type Holding,
  heartbeatFilter,
  heartbeatSubject,
  type QueuedSession,
  type SlowCall,
} from '@reins/contracts'
import type { Broker } from './broker.ts'
import { listen } from './listen.ts'

export interface PresenceOptions {
  readonly service: 'executor' | 'tool-runner'
  readonly instance: string
  readonly pools: () => readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** Calls that this instance can run, and runs. */
  readonly calls: () => { readonly slots: number; readonly busy: number }
  /** Sessions that wait here for a slot, in order of arrival; `since` in epoch ms. */
  readonly queued: () => readonly QueuedSession[]
  /** Tool calls that have shown nothing for a while; absent: there are never any. */
  readonly slow?: (() => readonly SlowCall[]) | undefined
  /** Whose models it can call; absent: it calls none. */
  readonly models?: (() => ModelProviders) | undefined
  readonly ackWaitMs: number
  /** Whether this process runs it: true from before its intent goes out until its outcome is known to be in. */
  readonly runs: (holding: Holding) => boolean
  /** Its outcome is in the log by somebody else's hand: stop it. */
  readonly abort: (holding: Holding) => void
  /** Whether it shares the quotas of providers with the others by now. Absent: never. */
  readonly shares?: (() => boolean) | undefined
  /** Another instance gives a trigger away. Whether this one goes on with it. Absent: it takes none. */
  readonly take?: ((given: GivenTrigger) => Promise<boolean>) | undefined
  /** An instance is gone; it said that it held these. */
  readonly onGone: (instance: string, holdings: readonly Holding[]) => void
  /** Re-read every session that this process holds, forget what was lost; resolves when that is done. */
  readonly recheck: () => Promise<void>
}

export interface Presence {
  begin(holding: Holding): void
  end(holding: Holding): void
  ask(owner: string, holding: Holding): Promise<'running' | 'gone'>
  /** Tells an owner that its call has its outcome. Best effort. */
  tellAbort(owner: string, holding: Holding): void
  /** L2: no working(), no takeovers now. */
  suspect(): boolean
  /** Slots for calls that other instances of the pool have free, by what they said last. */
  roomElsewhere(pool: string): number
  /** Other living instances that share the quotas of providers. */
  sharers(): readonly string[]
  /** Whether another instance of the pool lives that may take triggers. */
  takers(pool: string): boolean
  /** Whether that instance goes on with the trigger. `false` also where it does not say so in time: both may have it then. */
  give(instance: string, given: GivenTrigger): Promise<boolean>
  /** From now on the instance says that it takes nothing new. */
  leave(): void
  close(): void
}

const beatMs = 250
const wholeMs = 2000
const silentMs = 800
const answerMs = 500
const afterReconnectMs = 2000
/** What is given away waits no longer for its taker. */
const takenMs = 100
/** Sessions that wait, named in a heartbeat: the first of them. */
const mostShown = 1000
const mostSlow = 100
/** Of ack_wait: a beat that is later than this may have lost triggers to others. */
const lateShare = 0.8

interface Peer {
  lastSeen: number
  asked: boolean
  pools: readonly string[]
  /** Slots that are free there; none once it leaves. */
  room: number
  takes: boolean
  shares: boolean
  readonly holds: Map<string, Holding>
}

const keyOf = ({ session, call, attempt }: Holding): string => `${session}/${call}/${attempt}`

export function startPresence(broker: Broker, options: PresenceOptions): Presence {
  const mine = new Map<string, Holding>()
  let begun = new Map<string, Holding>()
  let ended = new Map<string, Holding>()
  const peers = new Map<string, Peer>()
  let leaving = false
  let suspicious = false
  /** Reasons to be suspect so far: one that comes while the last is being looked into needs a look of its own. */
  let doubts = 0
  let lastBeat = performance.now()
  let lastWhole = Number.NEGATIVE_INFINITY
  let lastQueued = ''
  let lastSlow = ''
  let closed = false

  const mySubject = heartbeatSubject(options.service, options.instance)

  const publish = (subject: string, value: unknown) => {
    try {
      broker.nc.publish(subject, JSON.stringify(value))
    } catch {
      // Closed for good: the process is on its way out.
    }
  }

  function beat(): void {
    const now = performance.now()
    const late = now - lastBeat - beatMs
    lastBeat = now
    if (late > options.ackWaitMs * lateShare) becomeSuspect()
    const whole = now - lastWhole >= wholeMs
    if (whole) lastWhole = now
    const message: Heartbeat = {
      instance: options.instance,
      pools: options.pools(),
      labels: options.labels,
      ...options.calls(),
      ...queuedNow(whole),
      ...slowNow(whole),
      ...(whole ? { whole: [...mine.values()] } : {}),
      ...(whole && options.models ? { models: options.models() } : {}),
      ...(!whole && begun.size > 0 ? { begun: [...begun.values()] } : {}),
      ...(!whole && ended.size > 0 ? { ended: [...ended.values()] } : {}),
      ...(leaving ? { leaving } : {}),
      ...(options.take ? { takes: true } : {}),
      ...(!leaving && options.shares?.() ? { shares: true } : {}),
    }
    begun = new Map()
    ended = new Map()
    publish(mySubject, message)
    lookForSilence(now, late)
  }

  /** The list goes out when it changes, and with the whole; how many there are, always. */
  function queuedNow(whole: boolean): Pick<Heartbeat, 'waiting' | 'queued' | 'throttled'> {
    const all = options.queued()
    const throttled = all.filter((one) => one.throttled !== undefined).length
    const waiting =
      all.length === 0
        ? {}
        : { waiting: { count: all.length, since: all[0]?.since ?? 0 }, ...(throttled > 0 ? { throttled } : {}) }
    const shown = all.slice(0, mostShown)
    const sign = shown.map(({ session, throttled: why = '' }) => `${session} ${why}`).join()
    const changed = sign !== lastQueued
    lastQueued = sign
    if (!changed && !(whole && all.length > 0)) return waiting
    const queued = shown.map(({ session, since, throttled: why }) => ({
      ...{ session, since },
      ...(why === undefined ? {} : { throttled: why }),
    }))
    return { ...waiting, queued }
  }

  /** Goes out when it changes, and with the whole. */
  function slowNow(whole: boolean): Pick<Heartbeat, 'slow'> {
    const slow = (options.slow?.() ?? []).slice(0, mostSlow)
    const sign = slow.map(({ call, since }) => `${call} ${since}`).join()
    const changed = sign !== lastSlow
    lastSlow = sign
    return changed || (whole && slow.length > 0) ? { slow } : {}
  }

  function lookForSilence(now: number, late: number): void {
    // A process that has just slept has heard nobody: the first look after that proves nothing.
    if (late > silentMs / 2) for (const peer of peers.values()) peer.lastSeen = now
    if (suspicious || !broker.connected()) return
    for (const [instance, peer] of peers) {
      if (peer.asked || now - peer.lastSeen < silentMs) continue
      peer.asked = true
      void decide(instance, peer)
    }
  }

  async function decide(instance: string, peer: Peer): Promise<void> {
    const holdings = [...peer.holds.values()]
    const probe = holdings[0] ?? { session: '', call: '', attempt: 0 }
    const answer = await question(instance, probe)
    if (answer !== 'nobody') {
      peer.asked = false
      peer.lastSeen = performance.now()
      return
    }
    if (closed || suspicious) {
      peer.asked = false
      return
    }
    peers.delete(instance)
    if (holdings.length > 0) options.onGone(instance, holdings)
  }

  /** nobody: no such instance answers, asked twice when this process has only just reconnected. */
  async function question(owner: string, holding: Holding): Promise<'running' | 'not-running' | 'nobody'> {
    const request: ControlRequest = { ask: 'running', ...holding }
    for (;;) {
      // Asked of this instance too: where not even that is answered, it is the broker that is silent, not the owner.
      const [outcome, own] = await Promise.all(
        [owner, options.instance].map((instance) =>
          broker.request(controlSubject(instance), JSON.stringify(request), { withinMs: answerMs }),
        ),
      )
      if (outcome?.kind === 'reply')
        return decodeControlReply(outcome.msg.string())?.running ? 'running' : 'not-running'
      const since = performance.now() - broker.lastReconnect()
      const brokerIsSilent = !broker.connected() || own?.kind === 'timed-out'
      if (closed || (!brokerIsSilent && since > afterReconnectMs)) return 'nobody'
      await pause(200)
    }
  }

  function becomeSuspect(): void {
    doubts++
    if (suspicious || closed) return
    suspicious = true
    void recheckUntilDone()
  }

  async function recheckUntilDone(): Promise<void> {
    while (!closed) {
      const looking = doubts
      try {
        await options.recheck()
        if (looking === doubts) break
      } catch {
        await pause(200)
      }
    }
    suspicious = false
    const now = performance.now()
    for (const peer of peers.values()) peer.lastSeen = now
  }

  async function take(given: GivenTrigger): Promise<ControlReply> {
    const taken = !leaving && !closed && (await options.take?.(given).catch(() => false))
    return { running: false, taken: taken === true }
  }

  const mayTake = ({ lastSeen, pools, room, takes }: Peer, pool: string): boolean =>
    takes && room > 0 && performance.now() - lastSeen < silentMs && pools.includes(pool)

  const beats = listen(broker, heartbeatFilter(options.service), (msg) => {
    // What this instance says of ten thousand calls is a megabyte.
    if (msg.subject === mySubject) return
    const beat = decodeHeartbeat(msg.string())
    if (!beat || beat.instance === options.instance) return
    let peer = peers.get(beat.instance)
    if (!peer) {
      peer = { lastSeen: 0, asked: false, pools: [], room: 0, takes: false, shares: false, holds: new Map() }
      peers.set(beat.instance, peer)
    }
    peer.lastSeen = performance.now()
    peer.pools = beat.pools
    // Who waits for a provider takes no slot from anybody.
    const waiting = (beat.waiting?.count ?? 0) - (beat.throttled ?? 0)
    peer.room = beat.leaving ? 0 : Math.max(beat.slots - beat.busy - waiting, 0)
    peer.shares = beat.shares === true
    peer.takes = beat.takes === true
    if (beat.whole) {
      peer.holds.clear()
      for (const holding of beat.whole) peer.holds.set(keyOf(holding), holding)
    }
    for (const holding of beat.begun ?? []) peer.holds.set(keyOf(holding), holding)
    for (const holding of beat.ended ?? []) peer.holds.delete(keyOf(holding))
    if (beat.leaving && peer.holds.size === 0) peers.delete(beat.instance)
  })
  const control = listen(broker, controlSubject(options.instance), (msg) => {
    const request = decodeControlRequest(msg.string())
    if (!request) return
    if (request.ask === 'abort') options.abort(request)
    else if (request.ask === 'take') void take(request).then((taken) => msg.respond(JSON.stringify(taken)))
    else msg.respond(JSON.stringify({ running: options.runs(request) } satisfies ControlReply))
  })
  const reconnects = broker.onReconnect(becomeSuspect)
  const timer = setInterval(beat, beatMs)
  beat()

  return {
    begin(holding) {
      const key = keyOf(holding)
      mine.set(key, holding)
      begun.set(key, holding)
      ended.delete(key)
    },
    end(holding) {
      const key = keyOf(holding)
      if (!mine.delete(key)) return
      // What began and ended between two beats was never told of: nothing to take back.
      if (!begun.delete(key)) ended.set(key, holding)
    },
    async ask(owner, holding) {
      if (owner === options.instance) return options.runs(holding) ? 'running' : 'gone'
      return (await question(owner, holding)) === 'running' ? 'running' : 'gone'
    },
    tellAbort(owner, holding) {
      if (owner === options.instance) options.abort(holding)
      else publish(controlSubject(owner), { ask: 'abort', ...holding } satisfies ControlRequest)
    },
    // After a stall another timer, or a message, may come before the beat that would notice it.
    suspect: () =>
      suspicious || !broker.connected() || performance.now() - lastBeat - beatMs > options.ackWaitMs * lateShare,
    roomElsewhere(pool) {
      const now = performance.now()
      let room = 0
      for (const peer of peers.values())
        if (now - peer.lastSeen < silentMs && peer.pools.includes(pool)) room += peer.room
      return room
    },
    sharers() {
      const now = performance.now()
      return [...peers].flatMap(([instance, { shares, lastSeen }]) =>
        shares && now - lastSeen < silentMs ? [instance] : [],
      )
    },
    takers: (pool) => [...peers.values()].some((peer) => mayTake(peer, pool)),
    async give(instance, given) {
      const peer = peers.get(instance)
      if (!peer || !mayTake(peer, given.pool)) return false
      const request: ControlRequest = { ask: 'take', ...given }
      const outcome = await broker.request(controlSubject(instance), JSON.stringify(request), { withinMs: takenMs })
      return outcome.kind === 'reply' && decodeControlReply(outcome.msg.string())?.taken === true
    },
    leave() {
      leaving = true
      beat()
    },
    close() {
      if (closed) return
      closed = true
      clearInterval(timer)
      reconnects.close()
      beats.close()
      control.close()
    },
  }
}
