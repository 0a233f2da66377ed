// The whole journal on JetStream: over one connection, and further ones for deltas and for reading sessions where the process has them.
//   JJ1. A server answers what is asked over one connection one after the other, and for an old session it may have to read a whole block of
//        its disk first. So sessions are read over a connection of their own: appends and acks do not stand in line behind that.
import { tmpdir } from 'node:os'
import { type Broker, ensureTopology, keepLiveStream, sessionsTakenFrom } from '@reins/broker'
import {
  maxOutputBytesOfSession,
  outputsKeptMs,
  type SessionStreamCount,
  type SessionStreams,
  splittableStreams,
} from '@reins/contracts'
import { archiveReader } from '../archive/archive-objects.ts'
import { outputsOfForks } from '../fork-reads.ts'
import type {
  BundleStore,
  OutputStore,
  RepublishedFrame,
  SessionFeed,
  SessionLog,
  Snapshots,
  Subscription,
  Timers,
  WorkQueue,
} from '../port.ts'
import { createJetStreamBundles } from './bundles.ts'
import { createJetStreamFeed } from './feed.ts'
import { FramesHere } from './frames-here.ts'
import { watchLayout } from './layout.ts'
import { createJetStreamLog } from './log.ts'
import { createJetStreamOutputs } from './outputs.ts'
import { createJetStreamSnapshots } from './snapshots.ts'
import { createJetStreamTimers } from './timers.ts'
import { createJetStreamWork } from './work.ts'

export interface Journal {
  /** That hold the sessions: for whoever follows them all. The one may become four; whoever keeps `names` listens to `onSplit`. */
  readonly streams: SessionStreams
  /** Called once the one stream was split over four. All parts of the journal go on by themselves. */
  onSplit(on: () => void): Subscription
  /** Whether sessions can be archived here: their streams were made so. */
  readonly archived: boolean
  /** Whether they can be erased: their streams were made so that frames can be overwritten. */
  readonly erasable: boolean
  readonly sessions: SessionLog
  /** Sessions that somebody has asked this process for, and whose frames in the archive are not there or not what was put there. */
  unreadable(): readonly string[]
  readonly feed: SessionFeed
  /** As `framesHere` of the feed, of all sessions. */
  framesHere(on: (frame: RepublishedFrame) => void): Subscription
  readonly work: WorkQueue
  readonly timers: Timers
  readonly snapshots: Snapshots
  readonly outputs: OutputStore
  readonly bundles: BundleStore
}

export interface JournalOptions {
  readonly replicas: 1 | 3
  /** How long a trigger may be silent before somebody else gets it. ms */
  readonly ackWaitMs: number
  /** A connection of its own for deltas, without echo, that nothing else uses (feed.ts); whoever opened it closes it. */
  readonly live?: Broker
  /** A connection of its own for reading sessions and the archive (JJ1); whoever opened it closes it. */
  readonly reads?: Broker
  /** epoch ms */
  now(): number
  /** How long whole outputs of tools are kept; a bucket that is there takes it over. ms. Default `outputsKeptMs`. */
  readonly outputsKeptMs?: number
  /** How much of them a session keeps. Default `maxOutputBytesOfSession`. */
  readonly outputBytesOfSession?: number
  /** Where outputs wait before they are stored. Absolute, this user's alone. Default: the temporary folder. */
  readonly outputsFolder?: string
  /** How many streams hold the sessions, where none is there yet. Default `newSessionStreams`. */
  readonly sessionStreams?: SessionStreamCount
  /** Whether sessions may be archived, where no stream holds sessions yet. Default: no. */
  readonly archived?: boolean
  /** ms before an append that was not answered goes out again. Default 2 000. */
  readonly retryMs?: number
}

/** Makes sure of the streams first. Owns nothing but what the broker owns: closing the broker closes it. */
export async function openJournal(broker: Broker, options: JournalOptions): Promise<Journal> {
  const keptMs = options.outputsKeptMs ?? outputsKeptMs
  const bytesOfSession = options.outputBytesOfSession ?? maxOutputBytesOfSession
  const { replicas, sessionStreams } = options
  const found = await ensureTopology(broker, {
    ...{ replicas, outputsKeptMs: keptMs },
    ...(sessionStreams === undefined ? {} : { sessionStreams }),
    ...(options.archived === undefined ? {} : { archived: options.archived }),
  })
  const { streams, onSplit } = watchLayout(broker, splittableStreams(found.names.length === 1 ? 1 : 4))
  const replicated = replicas > 1
  const { purged: archived, overwritten: erasable } = await sessionsTakenFrom(broker, streams)
  keepLiveStream(broker)
  const [work, timers, snapshots, outputs, bundles] = await Promise.all([
    createJetStreamWork(broker, { ...options, streams, onSplit }),
    createJetStreamTimers(broker, options),
    createJetStreamSnapshots(broker),
    createJetStreamOutputs(broker, {
      ...{ now: options.now, keptMs, bytesOfSession },
      folder: options.outputsFolder ?? tmpdir(),
    }),
    createJetStreamBundles(broker),
  ])
  const here = new FramesHere()
  const reads = options.reads ?? broker
  const archive = archived ? archiveReader(reads, { streams, replicated }) : undefined
  const sessions = createJetStreamLog(broker, {
    ...{ here, reads, streams, replicated },
    ...(archive ? { archive } : {}),
    ...(options.retryMs === undefined ? {} : { retryMs: options.retryMs }),
  })
  return {
    ...{ streams, onSplit, sessions, archived, erasable },
    unreadable: () => archive?.unreadable() ?? [],
    feed: createJetStreamFeed(broker, here, options.live),
    framesHere: (on) => here.listenToAll(on),
    work,
    timers,
    snapshots,
    outputs: outputsOfForks(outputs, sessions),
    bundles,
  }
}
