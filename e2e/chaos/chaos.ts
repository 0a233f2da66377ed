// Chaos: the whole system under load while its parts are killed, stalled, cut off, and lied to; then silence, and the checks over
// every session. What it finds is in the report; nothing is thrown for it.

import type { ServiceName } from '@reins/contracts'
import { restProblems } from '@reins/session'
import { fileURLToPath } from 'node:url'
import { Api } from '../harness/api.ts'
import { eventually, pause } from '../harness/eventually.ts'
import { differences, type Follower } from '../harness/follower.ts'
import { bySession, readStored, type StoredFrame } from '../harness/stored-log.ts'
import type { ProxyFaults } from '../harness/nats-proxy.ts'
import { World } from '../harness/world.ts'
import { type AskedFindings, examineAsked } from './asked-findings.ts'
import { Decider } from './decider.ts'
import { FarServer } from './far-server.ts'
import { type FaultKind, Faults, type Hit, type Trouble } from './faults.ts'
import { examine, type Findings } from './findings.ts'
import { examineTrees, type TreeFindings } from './tree-findings.ts'
import { agents, asking, Client, servers, witness } from './load.ts'
import { type Random, seeded } from './random.ts'
import { Slot } from './slot.ts'

export interface ChaosOptions {
  /** Of faults and load; start and end come on top. */
  readonly seconds: number
  readonly seed: number
  /** Default 8. */
  readonly clients?: number
  /** Each client has whole trees of 85 sessions, one after the other, and does nothing else. */
  readonly wholeTrees?: boolean
  /** Nothing but turns with tools: no trees, no summaries, nothing that waits for people. */
  readonly plain?: boolean
  /** Three nats-servers with three copies of everything, in place of one. */
  readonly nodes?: 1 | 3
  /** What goes wrong, in place of random faults: the load goes on until it is over, however many `seconds` that takes. */
  trouble?(stage: Stage): Trouble
  /** ms from one fault to the next, about. Default 800. */
  readonly everyMs?: number
  /** epoch ms */
  now(): number
  say(line: string): void
}

/** What a trouble has to do with. */
export interface Stage {
  readonly world: World
  readonly slots: readonly Slot[]
  /** There is one, and nothing random happens to it. */
  readonly registry: Slot
  /** For turns whose time is taken. */
  readonly api: Api
  readonly agent: string
  now(): number
  failed(error: unknown): void
}

export interface Report extends Findings {
  readonly seed: number
  readonly seconds: number
  readonly faults: Readonly<Partial<Record<FaultKind | 'lost replies' | 'lost acks', number>>>
  readonly load: Readonly<Record<string, number>>
  /** What people did, by what came of it. */
  readonly people: Readonly<Record<string, number>>
  /** Events of approvals and questions in the log. */
  readonly asked: AskedFindings['counts']
  /** Delegations and compactions in the log. */
  readonly trees: TreeFindings['counts']
  /** Followers whose account was compared with the log. */
  readonly followers: number
  /** Services that ended though nobody killed them: what they said last. */
  readonly endedByThemselves: readonly string[]
  readonly hits: readonly Hit[]
  readonly log: readonly StoredFrame[]
}

const places = [
  'executor',
  'executor',
  'tool-runner',
  'tool-runner',
  'session-gateway',
  'session-gateway',
  'memory',
] as const
const lossRate = 0.03
const faultEveryMs = 800
/** No frame for so long, and something is open: stuck. */
const stuckMs = 20_000
const followedAtOnce = 24
/** Where the server that tool-runners start leaves its notes. */
const nearNotes = 'near.txt'
const nearServer = fileURLToPath(new URL('near-server.ts', import.meta.url))
/**
 * Of a tree: one whole tree of depth 3 and width 4 fits, and a second one in the same session meets the limit. Each level keeps a share of
 * what it may give away: 4 for an agent above leaves, so 24 for one above those, and 124 for the root.
 */
const mostSessions = 125
/** So small that some of the agents below have too little, and so large that most trees come to something. */
const treeTokens = 150_000
/** An approval that nobody gives ends by itself, and so does a question. */
const expires = '20s'
const answeredWithinS = 25

export async function runChaos(options: ChaosOptions): Promise<Report> {
  const world = await World.open({ nodes: options.nodes ?? 1 })
  const far = await FarServer.open()
  try {
    return await new Chaos(world, far, options).run()
  } finally {
    await far.close()
    await world.close()
  }
}

/** Below the lead: three levels of agents. */
const leaf = { name: 'leaf', description: 'Delegate the smallest part.', system_prompt: 'You do it.', tools: ['shell'] }
const inner = { name: 'inner', description: 'Delegate a part of it.', system_prompt: 'You do it.', agents: [leaf] }
const tree = { name: 'middle', description: 'Delegate what has parts.', system_prompt: 'You do it.', agents: [inner] }

interface Followed {
  readonly session: string
  readonly followers: readonly Follower[]
}

class Chaos {
  readonly #world: World
  readonly #far: FarServer
  readonly #options: ChaosOptions
  readonly #random: Random
  readonly #losses = { replies: 0, acks: 0 }
  readonly #endedByThemselves: string[] = []
  readonly #followed: Followed[] = []
  #chaotic = false

  constructor(world: World, far: FarServer, options: ChaosOptions) {
    this.#world = world
    this.#far = far
    this.#options = options
    this.#random = seeded(options.seed)
  }

  async run(): Promise<Report> {
    const { seconds, seed, say } = this.#options
    const { slots, registry } = await this.#start()
    say(`${slots.length + 1} services run; ${seconds} s of chaos with seed ${seed}`)
    const urls = this.#world.gateways.map(({ url }) => url)
    const api = new Api(() => urls, this.#world.token)
    const stage = {
      ...{ world: this.#world, slots, registry, api, agent: agents[0], now: this.#options.now },
      failed: (error: unknown) => this.#endedByThemselves.push(String(error)),
    }
    const random = this.#random.fork()
    const faults: Trouble =
      this.#options.trouble?.(stage) ?? new Faults({ ...stage, random, everyMs: this.#options.everyMs ?? faultEveryMs })
    const ended = new AbortController()
    const over = this.#options.trouble ? ended.signal : AbortSignal.timeout(seconds * 1000)
    this.#chaotic = true
    const clients = Array.from(
      { length: this.#options.clients ?? 8 },
      (_, at) =>
        new Client(`client-${at}`, {
          api,
          random: this.#random.fork(),
          over,
          wholeTrees: this.#options.wholeTrees ?? false,
          ...(this.#options.plain ? { agents: agents.slice(0, 2) } : {}),
          begun: (session) => this.#begun(session),
        }),
    )
    const deciders = ['ann', 'bob'].map((name) => new Decider({ name, api, random: this.#random.fork() }))
    const cuts = this.#random.fork()
    const cutting = setInterval(() => this.#cutOne(cuts), 700)
    await Promise.all([
      faults.run(over).finally(() => {
        this.#chaotic = false
        ended.abort()
      }),
      ...clients.map((client) => client.run()),
      ...deciders.map((decider) => decider.run(over)),
    ])
    clearInterval(cutting)
    say('silence; waiting for everything to come to rest')
    const frames = await this.#silence(api, deciders)
    const shown = await this.#compare(bySession(frames))
    for (const slot of [...slots, registry]) slot.close()

    const witnessed = this.#world.lines(witness)
    const found = examine({
      frames,
      accepted: clients.flatMap(({ accepted }) => accepted),
      witnessed,
      hits: faults.hits,
    })
    const asked = examineAsked({
      frames,
      taken: deciders.flatMap(({ taken }) => taken),
      notes: [...this.#far.notes, ...this.#world.lines(nearNotes)],
      witnessed,
      asking,
    })
    const trees = examineTrees(frames, mostSessions)
    return {
      ...found,
      lost: [...found.lost, ...asked.lost],
      repeated: [...found.repeated, ...asked.repeated],
      violations: [
        ...found.violations,
        ...asked.violations,
        ...trees.violations,
        ...clients.flatMap(({ problems }) => problems),
        ...shown,
      ],
      seed,
      seconds,
      faults: {
        ...tally(faults.hits.map(({ kind }) => kind)),
        'lost replies': this.#losses.replies,
        'lost acks': this.#losses.acks,
      },
      load: sum(clients.map(({ counts }) => counts)),
      people: sum(deciders.map(({ counts }) => counts)),
      asked: asked.counts,
      trees: trees.counts,
      followers: this.#followed.reduce((total, { followers }) => total + followers.length, 0),
      endedByThemselves: this.#endedByThemselves,
      hits: faults.hits,
      log: frames,
    }
  }

  async #start(): Promise<Pick<Stage, 'slots' | 'registry'>> {
    const random = this.#random.fork()
    const lose = (what: 'replies' | 'acks') => (): boolean => {
      if (!this.#chaotic || !random.chance(lossRate)) return false
      this.#losses[what]++
      return true
    }
    const losses = { losesReply: lose('replies'), losesAck: lose('acks') }
    const open = (name: ServiceName, losses: ProxyFaults): Promise<Slot> =>
      Slot.open(this.#world, name, losses, (slot, log) =>
        this.#endedByThemselves.push(`${slot.name}: ${log.slice(-3).join(' | ')}`),
      )
    const registry = await open('registry', { losesReply: () => false, losesAck: () => false })
    const slots = await Promise.all(places.map((name) => open(name, losses)))
    const [wide, narrow, asks, asksNarrow, lead, short, spender] = agents
    await this.#world.agent(wide)
    await this.#world.agent(narrow, { max_concurrent_tools: 2 })
    const people = {
      tools: [{ shell: { approval: 'always' as const } }, 'files' as const],
      approvals: { expires, tools: { mcp__far__once: 'always' as const, mcp__near__once: 'always' as const } },
      mcp_servers: [
        { name: servers.far, url: this.#far.url, elicitation_timeout: answeredWithinS },
        {
          ...{ name: servers.near, command: process.execPath, args: [nearServer, nearNotes] },
          elicitation_timeout: answeredWithinS,
        },
      ],
    }
    await this.#world.agent(asks, people)
    await this.#world.agent(asksNarrow, { ...people, max_concurrent_tools: 2 })
    const delegates = { agents: [tree], delegation: { max_depth: 3, max_sessions: mostSessions } }
    await this.#world.agent(lead, delegates)
    await this.#world.agent(spender, { ...delegates, budget: { tokens: treeTokens }, max_tokens: 1_000 })
    await this.#world.agent(short, {
      ...{ context: { window: 3_000, compact_at: 0.5 }, planning: true, max_tokens: 400 },
      tools: ['shell'],
    })
    return { slots, registry }
  }

  /** Some sessions are followed, by two clients at two gateways. */
  #begun(session: string): () => void {
    if (this.#followed.length >= followedAtOnce) return () => undefined
    this.#followed.push({ session, followers: [0, 1].map((gateway) => this.#world.follow(session, gateway)) })
    return () => undefined
  }

  #cutOne(random: Random): void {
    const all = this.#followed.flatMap(({ followers }) => followers)
    if (all.length > 0) random.pick(all).cut()
  }

  /** No faults any more: whoever was paused goes on, and everything that is open must end. The whole log, then. */
  async #silence(api: Api, deciders: readonly Decider[]): Promise<readonly StoredFrame[]> {
    const frames: StoredFrame[] = []
    let quietSince = performance.now()
    for (;;) {
      const more = await readStored(this.#world.broker, undefined, frames)
      frames.push(...more)
      if (more.length > 0) quietSince = performance.now()
      const sessions = [...bySession(frames)]
      for (const [id, stored] of sessions) {
        const status = stored.at(-1)?.frame.status
        if (status === 'paused') await api.control(id, 'resume').catch(() => undefined)
        if (status === 'quarantined') await api.control(id, 'release').catch(() => undefined)
      }
      const open = sessions.filter(([id, stored]) => restProblems(id, stored).length > 0)
      await Promise.all(deciders.map((decider) => decider.round(0.9)))
      if (open.length === 0 || performance.now() - quietSince > stuckMs) return frames
      await pause(250)
    }
  }

  async #compare(sessions: ReadonlyMap<string, readonly StoredFrame[]>): Promise<readonly string[]> {
    const wrong = await Promise.all(
      this.#followed.flatMap(({ session, followers }) => {
        const stored = sessions.get(session) ?? []
        const events = stored.reduce((total, { frame }) => total + frame.events.length, 0)
        return followers.map(async (follower) => {
          await eventually(() => follower.events.length >= events, { withinMs: 20_000 }).catch(() => undefined)
          follower.close()
          return differences(follower, stored)
        })
      }),
    )
    return wrong.flat()
  }
}

function tally<K extends string>(all: readonly K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {}
  for (const one of all) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

function sum(all: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const counts of all) for (const [what, count] of counts) total[what] = (total[what] ?? 0) + count
  return total
}
