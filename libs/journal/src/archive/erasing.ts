// Taking out what is stored so that it is not there any more: the broker overwrites messages in their files. What is only deleted, or purged,
// stays readable in its file until that is written anew.
//   EG1. Repeating it changes nothing: what is gone already is passed over.
//   EG2. What is erased is looked for, and not remembered: by the subjects of the streams, in pages.
import {
  type Broker,
  BrokerUnavailable,
  eraseMessageSubject,
  lastMessage,
  ownerOfPieces,
  purgeStreamSubject,
} from '@reins/broker'
import { type ReadOptions, readMessages, streamInfoSubject } from '@reins/broker'
import {
  allOlderWebhookJobsFilter,
  allWebhookTimersFilter,
  bucketStream,
  buckets,
  fieldsOf,
  jsonValue,
  liveTreeFilter,
  objectAllChunksFilter,
  objectChunksSubject,
  objectInfosFilter,
  objectNameIn,
  objectStream,
  streams,
} from '@reins/contracts'

const apiMs = 10_000
const pageSize = 200
const atOnce = 16
/** What the broker says of a message that is gone (EG1): where others lie around it, where none does, and in an older version. */
const isGone = ({ code, description }: Refusal): boolean =>
  code === 10043 || code === 10037 || (code === 10057 && description === 'no message found')

interface Refusal {
  readonly code: number
  readonly description: string
}

/** All messages of a filter up to a sequence, `before` itself not among them, and none of `but`. Gives their number. */
export async function eraseMessages(
  broker: Broker,
  archivist: Broker,
  stream: string,
  filter: string,
  {
    before = Number.POSITIVE_INFINITY,
    leader,
    but = new Set(),
  }: { readonly before?: number; readonly leader: boolean; readonly but?: ReadonlySet<number> },
): Promise<number> {
  let erased = 0
  for (let after = 0; ; ) {
    const page = await readMessages(broker, stream, filter, { after, limit: pageSize, leader, withinMs: 30_000 })
    const found = page.filter(({ seq }) => seq < before)
    const gone = found.filter(({ seq }) => !but.has(seq))
    await eachOf(gone, ({ seq }) => eraseMessage(archivist, stream, seq))
    erased += gone.length
    after = page.at(-1)?.seq ?? after
    if (page.length < pageSize || found.length < page.length) return erased
  }
}

export async function eraseMessage(archivist: Broker, stream: string, seq: number): Promise<void> {
  const error = await asked(archivist, eraseMessageSubject(stream), { seq, no_erase: false })
  if (error !== undefined && !isGone(error))
    throw new Error(`the broker overwrote nothing in ${stream}: ${error.description}`)
}

/** Without a filter all of it, and with it its files. */
export async function purge(archivist: Broker, stream: string, what: object = {}): Promise<void> {
  const error = await asked(archivist, purgeStreamSubject(stream), what)
  if (error !== undefined) throw new Error(`the broker took nothing out of ${stream}: ${error.description}`)
}

async function asked(archivist: Broker, subject: string, what: object): Promise<Refusal | undefined> {
  const outcome = await archivist.request(subject, JSON.stringify(what), { withinMs: apiMs })
  if (outcome.kind !== 'reply') throw new BrokerUnavailable(`asking ${subject}`)
  const { error } = fieldsOf(jsonValue(outcome.msg.string()))
  if (error === undefined) return undefined
  const { err_code: code, description } = fieldsOf(error)
  return { code: Number(code), description: String(description) }
}

/** The subjects of a stream that a filter lets in: nothing of what their messages say is read. */
export async function* subjectsIn(broker: Broker, stream: string, filter: string): AsyncGenerator<readonly string[]> {
  for (let offset = 0; ; ) {
    const ask = JSON.stringify({ subjects_filter: filter, offset })
    const outcome = await broker.request(streamInfoSubject(stream), ask, { withinMs: 30_000 })
    if (outcome.kind !== 'reply') throw new BrokerUnavailable(`listing ${stream}`)
    const { state, total, error } = fieldsOf(jsonValue(outcome.msg.string()))
    if (error !== undefined) throw new Error(`the broker does not list ${stream}: ${fieldsOf(error).description}`)
    const subjects = Object.keys(fieldsOf(fieldsOf(state).subjects))
    if (subjects.length > 0) yield subjects
    offset += subjects.length
    if (subjects.length === 0 || offset >= Number(total ?? 0)) return
  }
}

/** One object of a store, with its description. */
export async function eraseObject(
  broker: Broker,
  archivist: Broker,
  store: string,
  described: string,
  { leader }: Pick<ReadOptions, 'leader'> & { readonly leader: boolean },
): Promise<void> {
  const stream = objectStream(store)
  const info = await lastMessage(broker, stream, described, { leader })
  const { nuid } = fieldsOf(info && jsonValue(info.body))
  if (typeof nuid === 'string' && /^[A-Za-z0-9_-]+$/.test(nuid))
    await eraseMessages(broker, archivist, stream, objectChunksSubject(store, nuid), { leader })
  await eraseMessages(broker, archivist, stream, described, { leader })
}

/** The objects of some sessions, in a store whose names begin with the session. Gives their number. */
export async function eraseObjects(
  broker: Broker,
  archivist: Broker,
  store: string,
  sessions: ReadonlySet<string>,
  options: { readonly leader: boolean },
): Promise<number> {
  const found: string[] = []
  for await (const subjects of subjectsIn(broker, objectStream(store), objectInfosFilter(store)))
    for (const subject of subjects) if (sessions.has(sessionOfObject(subject))) found.push(subject)
  for (const subject of found) await eraseObject(broker, archivist, store, subject, options)
  // Pieces that no description names: who wrote them died, or another process wrote the same object.
  const pieces: string[] = []
  for await (const subjects of subjectsIn(broker, objectStream(store), objectAllChunksFilter(store)))
    for (const subject of subjects) if (sessions.has(ownerOfPieces(subject))) pieces.push(subject)
  for (const subject of pieces) await eraseMessages(broker, archivist, objectStream(store), subject, options)
  return found.length
}

export const sessionOfObject = (described: string): string => objectNameIn(described).split('/', 1)[0] ?? ''

/** What an older version has stored for webhooks with its body, where it still waits or was sent lately. What this version stores says nothing of sessions. */
export async function eraseDeliveries(
  broker: Broker,
  archivist: Broker,
  sessions: ReadonlySet<string>,
  { leader }: { readonly leader: boolean },
): Promise<number> {
  let erased = 0
  for (const filter of [allOlderWebhookJobsFilter, allWebhookTimersFilter])
    for (let after = 0; ; ) {
      const page = await readMessages(broker, streams.timers, filter, { after, limit: pageSize, leader })
      const found = page.filter(({ body }) => {
        const { session, body: told } = fieldsOf(jsonValue(body))
        return typeof told === 'string' && sessions.has(String(session))
      })
      await eachOf(found, ({ seq }) => eraseMessage(archivist, streams.timers, seq))
      erased += found.length
      after = page.at(-1)?.seq ?? after
      if (page.length < pageSize) break
    }
  return erased
}

/** Of the moment: deltas of a tree that lie in memory. */
export const eraseDeltas = (archivist: Broker, root: string): Promise<void> =>
  purge(archivist, streams.live, { filter: liveTreeFilter(root) })

/** All of them, of every session: of one, only the latest could be found, and older ones would stay in the files. They are made anew. */
export const eraseSnapshots = (archivist: Broker): Promise<void> => purge(archivist, bucketStream(buckets.snapshots))

async function eachOf<T>(all: readonly T[], what: (one: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += atOnce) await Promise.all(all.slice(from, from + atOnce).map(what))
}
