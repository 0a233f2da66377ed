// Objects of the archive and keys of sessions, with the password of the archivist, who may write them: swapped, older, cut, doubled, emptied,
// gone, or somebody else's.
//   AB1. Whoever has that password can destroy what lies there. Then the session is named as one that cannot be read, wherever it is asked for,
//        and nothing else is hurt by it: neither another session nor the start of the product. Nobody reads something else in its place.
import { gzipSync } from 'node:zlib'
import { jetstream } from '@nats-io/jetstream'
import { type ObjectStore, Objm } from '@nats-io/obj'
import { type Broker, connectBroker, eraseMessageSubject, lastMessage } from '@reins/broker'
import { archiveKeySubject, archivistUser, objectInfoSubject, objectStores } from '@reins/contracts'
import { untilArchived } from '../../harness/archive.ts'
import { runReins } from '../../harness/split-command.ts'
import type { World } from '../../harness/world.ts'
import { childAt, delegate } from '../../team/events.ts'
import type { Ask } from '../people/history.ts'
import type { Tally } from '../tally.ts'
import { archivedData, type Kept, keptSession, of } from './archive.ts'

interface Damage {
  readonly what: string
  readonly to: (archive: Archive, kept: Kept, other: Kept) => Promise<unknown>
}

interface Archive {
  readonly store: ObjectStore
  readonly broker: Broker
  /** Who may read all. */
  readonly all: Broker
  readonly first: (kept: Kept) => string
}

const bytesOf = async ({ store }: Archive, name: string): Promise<Uint8Array> => {
  const bytes = await store.getBlob(name)
  if (!bytes) throw new Error(`there is no ${name}`)
  return bytes
}
const put = ({ store }: Archive, { at }: Kept, bytes: Uint8Array) => store.putBlob({ name: at.object }, bytes)
const putAt = (broker: Broker, subject: string, body: string) =>
  jetstream(broker.nc).publish(subject, body, { timeout: 3000, retries: 0 })

/** A key is never replaced: who has the password takes it away first. */
async function replaceKey(
  { all, broker }: Pick<Archive, 'all' | 'broker'>,
  session: string,
  key: string,
): Promise<unknown> {
  const there = await lastMessage(all, 'KEYS', archiveKeySubject(session))
  await broker.request(eraseMessageSubject('KEYS'), JSON.stringify({ seq: there?.seq, no_erase: false }), {
    withinMs: 3000,
  })
  return putAt(broker, archiveKeySubject(session), key)
}

const damages: readonly Damage[] = [
  {
    what: 'is replaced by that of another session',
    to: async (at, kept, other) => put(at, kept, await bytesOf(at, other.at.object)),
  },
  {
    what: 'is replaced by an older one of the session',
    to: async (at, kept) => put(at, kept, await bytesOf(at, at.first(kept))),
  },
  { what: 'is cut', to: async (at, kept) => put(at, kept, (await bytesOf(at, kept.at.object)).subarray(0, 100)) },
  {
    what: 'lacks its last byte',
    to: async (at, kept) => put(at, kept, (await bytesOf(at, kept.at.object)).subarray(0, -1)),
  },
  {
    what: 'is doubled',
    to: async (at, kept) => {
      const bytes = await bytesOf(at, kept.at.object)
      return put(at, kept, Buffer.concat([bytes, bytes]))
    },
  },
  { what: 'is emptied', to: (at, kept) => put(at, kept, new Uint8Array()) },
  { what: 'is no object', to: (at, kept) => put(at, kept, Buffer.from('garbage'.repeat(100))) },
  {
    what: 'is not encrypted',
    to: (at, kept) => put(at, kept, gzipSync(`{"format":1,"session":"${kept.session}","headers":[],"messages":0}`)),
  },
  { what: 'is deleted', to: ({ store }, { at }) => store.delete(at.object) },
  {
    what: 'is a link to that of another session',
    to: async ({ store }, kept, other) => {
      const info = await store.info(other.at.object)
      if (!info) throw new Error('no info')
      await store.delete(kept.at.object)
      return store.link(kept.at.object, info)
    },
  },
  {
    what: 'is described as that of another session',
    to: async ({ broker, store }, kept, other) => {
      const info = await store.info(other.at.object)
      return putAt(
        broker,
        objectInfoSubject(objectStores.archive, kept.at.object),
        JSON.stringify({ ...info, name: kept.at.object }),
      )
    },
  },
  {
    what: 'is described as something without end',
    to: async ({ broker, store }, kept) => {
      const info = await store.info(kept.at.object)
      return putAt(
        broker,
        objectInfoSubject(objectStores.archive, kept.at.object),
        JSON.stringify({ ...info, chunks: 1e9, size: 1e15 }),
      )
    },
  },
  {
    what: 'is described by what is none',
    to: ({ broker }, kept) => putAt(broker, objectInfoSubject(objectStores.archive, kept.at.object), 'garbage'),
  },
  {
    what: 'of before is that of another session',
    to: async (at, kept, other) => at.store.putBlob({ name: at.first(kept) }, await bytesOf(at, at.first(other))),
  },
  { what: 'of before is deleted', to: (at, kept) => at.store.delete(at.first(kept)) },
  {
    what: 'has the key of another session',
    to: async ({ all, broker }, { session }, other) => {
      const key = await lastMessage(all, 'KEYS', archiveKeySubject(other.session))
      return replaceKey({ all, broker }, session, key?.body ?? '')
    },
  },
  { what: 'has a key that is none', to: (archive, { session }) => replaceKey(archive, session, 'garbage') },
]

export interface Damaged extends Kept {
  readonly what: string
}

/** Each on a session of its own. `older`: the object that the one of a session names. */
export async function damageObjects(
  world: World,
  agent: string,
  older: (kept: Kept) => Promise<string>,
): Promise<{ readonly damaged: readonly Damaged[]; readonly other: Kept }> {
  const other = await keptSession(world, agent)
  const kepts = await Promise.all(damages.map(() => keptSession(world, agent)))
  const firsts = new Map<string, string>()
  for (const kept of [other, ...kepts]) firsts.set(kept.session, await older(kept))
  const broker = await connectBroker({ url: world.servers.natsUrl(archivistUser), name: 'somebody as the archivist' })
  const damaged: Damaged[] = []
  try {
    const store = await new Objm(jetstream(broker.nc)).open(objectStores.archive)
    const archive: Archive = { store, broker, all: world.broker, first: ({ session }) => firsts.get(session) ?? '' }
    for (const [at, { what, to }] of damages.entries()) {
      await to(archive, kepts[at]!, other)
      damaged.push({ ...kepts[at]!, what })
    }
  } finally {
    await broker.close()
  }
  return { damaged, other }
}

/** A tree whose child lies in the archive, where its object is gone. The word is said in the root alone. */
export interface HurtTree {
  readonly root: string
  readonly child: string
  readonly word: string
}

export async function hurtTree(world: World): Promise<HurtTree> {
  const word = 'word-of-the-root'
  await world.agent('helping', { description: 'Delegate to it.' })
  await world.agent('leading', { agents: ['helping'], tools: [] })
  const { session } = await world.api.create('leading', delegate({ agent: 'helping', instruction: 'say yes' }))
  await world.settled(session.id)
  const child = await childAt(world, session.id)
  await world.api.turn(session.id, `say ${word}`)
  await untilArchived(world, child)
  const at = archivedData((await world.readLog(child)).map(({ frame }) => frame).findLast((one) => archivedData(one)))
  const broker = await connectBroker({ url: world.servers.natsUrl(archivistUser), name: 'somebody as the archivist' })
  try {
    const store = await new Objm(jetstream(broker.nc)).open(objectStores.archive)
    await store.delete(at?.object ?? '')
  } finally {
    await broker.close()
  }
  return { root: session.id, child, word }
}

/** A session that cannot be read hides no other one of its tree, and is named. `when`: with the index, or without. */
export async function noteTree(admin: Ask, { root, child, word }: HurtTree, when: string, tally: Tally): Promise<void> {
  const tree = await admin('GET', of(root, '/tree'))
  const named = tree.status === 200 && tree.text.includes(root) && tree.text.split('"unreadable"')[1]?.includes(child)
  if (!named) console.log(when, tree)
  tally.note('the archivist', `hide a tree by one session of it, ${when}`, named ? 'refused' : 'got through')
  const events = await admin('GET', of(root, '/events?tree=true&limit=500'))
  const whole =
    events.status === 200 && events.text.includes(word) && events.text.split('"unreadable"')[1]?.includes(child)
  if (!whole) console.log(when, events.status, events.text.slice(-500))
  tally.note(
    'the archivist',
    `hide the events of a tree by one session of it, ${when}`,
    whole ? 'refused' : 'got through',
  )
}

/** What each door says of them. */
export async function noteDamaged(
  world: World,
  admin: Ask,
  { damaged, other }: { readonly damaged: readonly Damaged[]; readonly other: Kept },
  tally: Tally,
): Promise<void> {
  const who = 'the archivist'
  const said = async (session: string) => {
    const found = []
    for (const rest of ['/events', '/state', '/frames', '/prompt']) found.push(await admin('GET', of(session, rest)))
    return found
  }
  for (const { session, what } of damaged) {
    const answers = await said(session)
    const foreign = answers.some(({ text }) => text.includes(other.word))
    tally.note(who, `an object that ${what} is read as another session`, foreign ? 'got through' : 'refused')
    const named = answers
      .slice(0, 3)
      .every(({ status, text }) => status === 500 && text.includes('session_unreadable') && text.includes(session))
    if (!named)
      console.log(
        what,
        answers.map(({ status, text }) => `${status} ${text.slice(0, 200)}`),
      )
    tally.note(who, `a session whose object ${what} is not named`, named ? 'refused' : 'got through')
    const verified = await runReins(world, ['session', 'verify', session], {
      REINS_URL: world.api.url(),
      REINS_TOKEN: world.token,
    }).then(
      ({ out }) => `it is sound: ${out}`,
      (error: unknown) => String(error),
    )
    const isNamed = verified.includes(session) && !verified.startsWith('it is sound')
    if (!isNamed) console.log('verify', what, verified.slice(0, 500))
    tally.note(who, `verify says nothing of an object that ${what}`, isNamed ? 'refused' : 'got through')
  }
  const well = (await said(other.session)).every(({ status }) => status === 200)
  tally.note(who, 'have another session not be read', well ? 'refused' : 'got through')
  const health = await admin('GET', '/health')
  tally.note(
    who,
    'health and doctor name no session',
    /"sessions":"\d+ sessions cannot be read/.test(health.text) ? 'refused' : 'got through',
  )
  const { status, text } = await admin('GET', '/v1/sessions?limit=100')
  tally.note(
    who,
    'have sessions not be listed',
    status === 200 && damaged.every(({ session }) => text.includes(session)) ? 'refused' : 'got through',
  )
  const { session } = await world.api.create('resting', 'say on')
  const turn = await world.api.turn(session.id, 'say and on')
  tally.note(who, 'have other sessions not work', turn.turn.status === 'completed' ? 'refused' : 'got through')
  const { status: asked } = await admin('POST', of(damaged[0]!.session, '/messages'), { content: 'say more' })
  tally.note(who, 'have a message be taken into what cannot be read', asked === 500 ? 'refused' : 'got through')
}
