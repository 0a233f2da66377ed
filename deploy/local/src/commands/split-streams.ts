// `reins streams split`: the sessions of a broker, over four streams in place of one, while services work (decision 046).
//   SP1. It may be killed at any moment, and run again as often as one likes: the streams say how far it is.
//   SP2. What the broker cannot do at this moment (no leader, no answer) is tried again. Between two tries appends are taken, unless one
//        of the four took its place already.
import { setTimeout as pause } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { brokerServers, isClosed, isUnanswered, streamInfo } from '@reins/broker'
import { inboxOf, moverUser, sessionStreamsOf } from '@reins/contracts'
import { pausePoints } from '@reins/service'
import type { LocalConfig } from '../config.ts'
import { readServers } from '../data/servers-file.ts'
import { type MoveOptions, moveSessions } from '../nats/move-sessions.ts'
import { asNatsUser, natsUsers } from '../nats/nats-users.ts'

export type SplitState =
  /** `bytes`: so much more room is needed on each node that holds a copy. */
  | { readonly state: 'one-stream'; readonly messages: number; readonly bytes: number; readonly replicas: number }
  | { readonly state: 'copying'; readonly messages: number; readonly copied: number; readonly closed: boolean }
  | { readonly state: 'four-streams' }

export type SplitOutcome =
  | { readonly kind: 'split'; readonly frames: number; readonly closedMs: number }
  | { readonly kind: 'split-already' }

const [single = ''] = sessionStreamsOf(1).names
const four = sessionStreamsOf(4).names
const tries = 40
const againMs = 500

/** Changes nothing. Rejects with an Error in words for people. */
export const splitState = (config: LocalConfig): Promise<SplitState> =>
  asMover(config, async (nc) => {
    const manager = await jetstreamManager(nc, { checkAPI: false, timeout: 15_000 })
    const [one, ...parts] = await Promise.all([single, ...four].map((name) => streamInfo(manager, name)))
    const there = parts.flatMap((part) => part ?? [])
    if (!one && there.length === 0)
      throw new Error('No stream holds sessions yet: no service of Reins has been started here.')
    if (!one && there.every(({ config }) => config.mirror === undefined)) return { state: 'four-streams' }
    if (!one) {
      const messages = there.reduce((sum, { state }) => sum + state.messages, 0)
      return { state: 'copying', messages, copied: messages, closed: true }
    }
    const { messages, bytes } = one.state
    if (there.length === 0) return { state: 'one-stream', messages, bytes, replicas: one.config.num_replicas }
    const copied = there.reduce((sum, { state }) => sum + state.messages, 0)
    return { state: 'copying', messages, copied: Math.min(copied, messages), closed: isClosed(one) }
  })

/** Rejects with an Error in words for people; run again, it goes on. */
export const splitStreams = (
  config: LocalConfig,
  options: { readonly say: (line: string) => void } & Pick<MoveOptions, 'progress'>,
): Promise<SplitOutcome> =>
  asMover(config, async (nc) => {
    const at = pausePoints(config.pauseAt, options.say)
    for (let left = tries; ; left--) {
      try {
        const outcome = await moveSessions(nc, {
          ...{ online: true, room: Number.POSITIVE_INFINITY },
          ...(options.progress ? { progress: options.progress } : {}),
          step: async (name) => void (await at(`split.${name}`)),
        })
        if (outcome.kind === 'stays') throw new Error(`The sessions stay in their one stream: ${outcome.why}.`)
        if (outcome.kind === 'moved') return { kind: 'split', frames: outcome.frames, closedMs: outcome.closedMs }
        const manager = await jetstreamManager(nc, { checkAPI: false, timeout: 15_000 })
        if (await streamInfo(manager, four[0] ?? '')) return { kind: 'split-already' }
        throw new Error('No stream holds sessions yet: no service of Reins has been started here.')
      } catch (error) {
        if (left === 0 || !isUnanswered(error)) throw error // SP2
        options.say(`the broker could not go on (${error instanceof Error ? error.message : String(error)}); again`)
        await pause(againMs)
      }
    }
  })

async function asMover<T>(config: LocalConfig, run: (nc: NatsConnection) => Promise<T>): Promise<T> {
  const url = moverUrl(config)
  const { servers, username, password } = brokerServers(url)
  const nc = await connect({
    ...{ servers: [...servers], name: 'reins streams', inboxPrefix: inboxOf(username ?? moverUser).own },
    ...(username === undefined ? {} : { user: username, pass: password ?? '' }),
    maxReconnectAttempts: 60,
  }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`The broker does not let this command in as ${username ?? 'nobody'}: ${why}.`, { cause })
  })
  try {
    return await run(nc)
  } catch (error) {
    if (error instanceof Error && /permissions violation/i.test(error.message))
      throw new Error(
        `The user ${username ?? 'without a name'} may not change streams. Name the user ${moverUser} in NATS_URL.`,
        { cause: error },
      )
    throw error
  } finally {
    await nc.close()
  }
}

function moverUrl({ natsUrl, dataDir }: LocalConfig): string {
  if (natsUrl !== undefined) return natsUrl
  const running = readServers(dataDir)
  const url = running && asNatsUser(running.natsUrl, natsUsers(dataDir), moverUser)
  if (running?.named === true || url === undefined)
    throw new Error(
      `NATS_URL is not set, and no "reins up" with servers of its own runs on ${dataDir}. ` +
        `Set NATS_URL to your brokers as the user ${moverUser}, such as nats://${moverUser}:PASSWORD@10.0.0.5:4222.`,
    )
  return url
}
