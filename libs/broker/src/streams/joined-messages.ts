// Messages that join: the writer of each said on which one of the same filter it stood, and the server took it only if that was so. Such
// messages can be read from the last one back, each by its sequence.
//   JM1. A server answers a question by sequence from the one block that holds the message, however many messages lie between.
//   JM2. Whoever reads in this way asks for one message at a time, so it is done only where the server would have to go through more.
//   JM3. What cannot be followed to its end is read in no part: who asked reads forward then.
import type { StoredMessage } from './stored-messages.ts'

/** The sequence of the message of this filter on which its writer stood, 0 for none; undefined: it has not said so. */
export function writtenOn(message: StoredMessage, filter: string): number | undefined {
  if (message.header('Nats-Expected-Last-Subject-Sequence-Subject') !== filter) return undefined
  const said = message.header('Nats-Expected-Last-Subject-Sequence')
  return /^\d+$/.test(said) ? Number(said) : undefined
}

/** A server goes through about so many messages in the time of one question. */
const messagesOfOneQuestion = 500
/** Of what is asked for: whoever reads by pages goes the whole way back for each of them. */
const pagesBack = 8
/** What was said together lies together: only behind so many is it seen whether others lie far apart. */
const together = 8
const mostBack = 2000

export interface Wanted {
  readonly filter: string
  readonly last: StoredMessage
  /** Only those with a sequence greater than this, and the first `limit` of them. */
  readonly after: number
  readonly limit: number
  /** The place of a message among those of its filter, counted from 1. */
  readonly numberOf: (message: StoredMessage) => number
}

const stepsAtMost = (between: number, limit: number): number =>
  Math.min(Math.floor(between / messagesOfOneQuestion), limit * pagesBack, mostBack)

/** JM2. `most`: there are no more behind `first`; absent: nobody knows how many there are. */
export const areFarApart = ({ last, limit }: Pick<Wanted, 'last' | 'limit'>, first: number, most = 1): boolean =>
  most <= stepsAtMost(last.seq - first, limit)

export interface WantedBack extends Wanted {
  /** The first of all, where it is known. */
  readonly first?: StoredMessage
  /** Nobody knows how many there are: where they turn out to lie close together, it is given up. */
  readonly unsure?: boolean
}

/** The messages behind `after`, in order, the last one among them where `limit` allows. */
export async function messagesBack(
  { filter, last, after, limit, numberOf, first, unsure = false }: WantedBack,
  at: (seq: number) => Promise<StoredMessage | undefined>,
): Promise<StoredMessage[] | undefined> {
  const within = filter.slice(0, -1)
  /** Newest first, and no more than are wanted. */
  const found: StoredMessage[] = []
  const steps = Math.max(stepsAtMost(last.seq - (first?.seq ?? after), limit), 1)
  let message = last
  for (let step = 0; step <= steps; step++) {
    found.push(message)
    if (found.length > limit) found.shift()
    const prev = writtenOn(message, filter)
    if (prev === undefined) return undefined
    if (prev === after) return found.reverse()
    if (prev < after || (unsure && last.seq - prev < (step - together) * messagesOfOneQuestion)) return undefined
    const before = prev === first?.seq ? first : await at(prev)
    if (!before?.subject.startsWith(within) || numberOf(before) !== numberOf(message) - 1) return undefined // JM3
    message = before
  }
  return undefined
}
