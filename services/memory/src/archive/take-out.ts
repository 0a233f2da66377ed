// What stands before a `session.archived` is taken out of the stream. That frame is the order to do so.
import type { Broker } from '@reins/broker'
import { archiveDurable, archivedFilter, type SessionStreams } from '@reins/contracts'
import { type Archivist, isUnreadable } from '@reins/journal'
import type { PausePoint } from '@reins/service'
import { archivedIn } from '@reins/session'
import type { Log } from '@reins/telemetry'
import { followOrders, type Orders } from './orders.ts'

export interface TakeOutOptions {
  readonly broker: Broker
  readonly streams: SessionStreams
  readonly archivist: Archivist
  readonly ackWaitMs: number
  readonly pauseAt?: PausePoint
  readonly log: Log
  /** Frames have left the stream. */
  readonly onTaken: () => void
}

/** Resolves when the durables are there; the caller closes it. */
export const takeOutArchived = ({
  archivist,
  pauseAt = async () => {},
  onTaken,
  ...options
}: TakeOutOptions): Promise<Orders> =>
  followOrders({
    ...options,
    ...{ durable: archiveDurable, filter: archivedFilter, atOnce: 4 },
    undone: 'frames in the archive still stand in the stream',
    isNone: isUnreadable,
    carryOut: async (session, frame) => {
      if (!archivedIn(frame)) return
      await pauseAt('memory.archive-before-taking-out')
      await archivist.takeOut(session, frame)
      await pauseAt('memory.archive-taken-out')
      onTaken()
    },
  })
