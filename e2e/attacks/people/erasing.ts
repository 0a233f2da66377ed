// Erasing a session: by whoever may not, by frames and requests with the password of a service, and forks that would keep what was erased.
import { connectBroker, eraseMessageSubject, makeHeaders, purgeStreamSubject } from '@reins/broker'
import {
  bucketStream,
  buckets,
  draftOn,
  emptyHead,
  encodeFrame,
  makeShortId,
  makeUlid,
  objectStores,
  objectStream,
  type Role,
  type ServiceName,
  type SessionEvent,
  serviceNames,
  sessionSubject,
  streams,
  toExec,
  toLog,
} from '@reins/contracts'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import { forge, headOfSession } from '../services/foreign-frames.ts'
import type { Ask } from './history.ts'
import type { Tally } from '../tally.ts'

const of = (session: string, rest = '') => `/v1/sessions/${session}${rest}`

/** `session` has ended, and is there afterwards. */
export async function tryToErase(ask: Ask, who: string, session: string, tally: Tally): Promise<void> {
  const tries: readonly (readonly [string, string, unknown?, Record<string, string>?])[] = [
    ['DELETE', of(session)],
    ['DELETE', of(session), undefined, { 'idempotency-key': 'of-the-operator' }],
    ['DELETE', `${of(session)}/`],
    ['DELETE', `/v1/sessions/${session.toLowerCase()}`],
    ['DELETE', `/v1/sessions/%2e/${session}`],
    ['DELETE', `/executions/${session}`],
    ['POST', of(session), {}, { 'x-http-method-override': 'DELETE' }],
    ['POST', of(session, '/erase'), {}],
    ['POST', of(session, '/messages'), { type: 'session.erased', content: 'say erased' }],
    ['PATCH', of(session), { erased: true }],
  ]
  for (const [method, target, body, headers] of tries) {
    const { status } = await ask(method, target, body, headers)
    tally.note(
      who,
      `erase by ${method} ${target.replace(session, 'it')}`,
      status >= 400 && status < 500 ? 'refused' : 'got through',
    )
  }
}

const roles: Partial<Record<ServiceName, Role>> = {
  'session-gateway': 'g',
  executor: 'e',
  'tool-runner': 't',
  memory: 'm',
}

/** Frames of each service on a session of its own that has ended, and on one at work; whatever they say, the word is there afterwards. */
export async function tryErasingFrames(world: World, word: string, admin: Ask, tally: Tally): Promise<void> {
  const orders = (hash: string): readonly SessionEvent[] => [
    { type: 'session.erased', data: { hash, agent: 'mine' } },
    { type: 'session.erased', data: { hash, root: { by: 'user:admin', at: 1 } } },
    { type: 'session.erased', data: { hash, again: { by: 'user:admin', at: 1 } } },
    { type: 'session.erasure-completed', data: { sessions: 1, frames: 1, objects: 0 } },
  ]
  for (const [service, role] of Object.entries(roles) as [ServiceName, Role][]) {
    if (role === 'g') continue // docs/security.md: a gateway orders it for a person.
    const thief = await connectBroker({ url: world.servers.natsUrl(service), name: `eraser as ${service}` })
    try {
      for (const ended of [false, true]) {
        const { session } = await world.api.create('theirs', `say ${word}`)
        await world.settled(session.id)
        if (ended) {
          await world.api.control(session.id, 'end')
          await eventually(async () => (await world.readLog(session.id)).at(-1)?.frame.status === 'ended')
        }
        let head = await headOfSession(world, session.id)
        for (const event of orders(head.hash)) {
          // One of a session that is said to have ended already is what readers look at first.
          head = await forge(
            thief,
            { ...head, status: 'ended' },
            { session: session.id, role, to: toLog, events: [event] },
          )
          const shown = await admin('GET', of(session.id, '/events'))
          const state = await admin('GET', of(session.id, '/state'))
          const there = shown.text.includes(word) && state.text.includes(word)
          const what = `${event.type} (${Object.keys(event.data).join(', ')}) in a session ${ended ? 'that has ended' : 'at rest'}`
          tally.note(service, what, there ? 'refused' : 'got through')
        }
      }
    } finally {
      await thief.close()
    }
  }
}

/** Requests to the broker that overwrite or empty what is stored, and what only the archivist writes. */
export async function tryErasingAtBroker(world: World, tally: Tally): Promise<void> {
  const places = [
    ...[streams.timers, 'SES', 'KEYS', 'MEM', 'HOOKS', 'REG'],
    ...[bucketStream(buckets.snapshots), bucketStream(buckets.idempotency)],
    ...[objectStream(objectStores.outputs), objectStream('reins-archive')],
  ]
  for (const service of serviceNames) {
    const thief = await connectBroker({
      url: world.servers.natsUrl(service),
      name: `eraser at the broker as ${service}`,
    })
    const tried = async (what: string, subject: string, payload: string): Promise<void> => {
      const answer = await thief.nc.request(subject, payload, { timeout: 3000 }).then(
        (message) => !message.string().includes('"error"'),
        () => false,
      )
      tally.note(service, what, answer ? 'got through' : 'refused')
    }
    try {
      for (const stream of places) {
        await tried(`overwrite a message of ${stream}`, eraseMessageSubject(stream), '{"seq":1,"no_erase":false}')
        await tried(`empty ${stream}`, purgeStreamSubject(stream), '{"filter":"never.there"}')
      }
      await tried('put something into the archive', '$O.reins-archive.M.bm9uc2Vuc2U', '{}')
      await tried('put a key of a session', 'key.nonsense', '{}')
    } finally {
      await thief.close()
    }
  }
}

/** Forks that begin while the session is being erased: none of them shows the word once it is. */
export async function tryForkingWhileErasing(
  world: World,
  word: string,
  admin: Ask,
  rounds: number,
  tally: Tally,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const { session } = await world.api.create('theirs', `say ${word}`)
    await world.settled(session.id)
    await world.api.control(session.id, 'end')
    await eventually(async () => (await admin('GET', of(session.id))).text.includes('"status":"ended"'))
    const fork = (body: object) => admin('POST', of(session.id, '/fork'), body)
    // Where forks are first the session stays; where the order is first, they come upon what is being taken out.
    const pauses = round % 2 === 0 ? [0, 5, 20, 60, 150] : [40, 60, 80, 120, 200, 300]
    const [erased, ...forks] = await Promise.all([
      admin('DELETE', of(session.id)),
      ...pauses.map(async (ms) => {
        await new Promise((done) => setTimeout(done, ms))
        return fork({ message: 'say more' })
      }),
      ...(round % 2 === 0 ? [fork({ at: 1 }), fork({ again: true })] : []),
    ])
    if (erased!.status >= 300) {
      tally.note('forks at the same time', 'that were there first', 'refused')
      continue
    }
    await eventually(async () => (await admin('GET', of(session.id))).text.includes('"completed":true'), {
      withinMs: 60_000,
    })
    const made = forks.flatMap(({ text }) => {
      const id = (JSON.parse(text) as { session?: { id: string } }).session?.id
      return id === undefined ? [] : [id]
    })
    for (const id of [session.id, ...made])
      for (const rest of ['/events', '/state', '/frames', '/prompt']) {
        const { text } = await admin('GET', of(id, rest))
        tally.note(
          'forks at the same time',
          `read ${rest} of ${id === session.id ? 'what was erased' : 'a fork'}`,
          text.includes(word) ? 'got through' : 'refused',
        )
      }
    const later = await fork({ at: 1 })
    tally.note('forks afterwards', 'fork what was erased', later.status < 300 ? 'got through' : 'refused')
    await tryForgedFork(world, session.id, word, admin, tally)
  }
}

/** With the password of a gateway: a fork that names a frame of what was erased. */
async function tryForgedFork(world: World, erased: string, word: string, admin: Ask, tally: Tally): Promise<void> {
  const thief = await connectBroker({ url: world.servers.natsUrl('session-gateway'), name: 'forger of forks' })
  try {
    for (const n of [1, 2, 5]) {
      const session = makeUlid(Date.now(), Math.random)
      const hash = 'x'.repeat(43)
      const draft = draftOn(
        { ...emptyHead(session), n, pool: 'default' },
        { frame: makeShortId(Math.random), by: 'user:admin', role: 'g' },
        {
          events: [
            {
              type: 'session.forked',
              data: { from: erased, n, hash, agent: 'theirs', digest: hash, principal: 'admin' } as never,
            },
            {
              type: 'message.received',
              data: { message: 'm1', content: [{ type: 'text', text: 'say more' }], onBusy: 'queue' },
            },
          ],
          to: toExec('default'),
          status: 'idle',
          trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
          at: Date.now(),
        },
      )
      const { body, headers } = encodeFrame(draft, hash)
      await thief.nc.request(sessionSubject(session, 'g', toExec('default')), body, {
        headers: makeHeaders(headers),
        timeout: 5000,
      })
      for (const rest of ['/events', '/state']) {
        const { text } = await admin('GET', of(session, rest))
        tally.note(
          'session-gateway',
          `a forged fork of what was erased: ${rest}`,
          text.includes(word) ? 'got through' : 'refused',
        )
      }
    }
  } finally {
    await thief.close()
  }
}
