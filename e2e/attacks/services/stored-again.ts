// What services keep beside the sessions, stored again, moved, spoiled or taken away by whoever has the password of one of them: keys of
// requests, timers, memories, places of projections, whole stores.
//   SA1. What was genuine is stored as it was, with its headers and its seal. What is not is made as well as somebody can who has no key.
//   SA2. What counts is what people are told, and what is done, afterwards.
import { createHash, randomUUID } from 'node:crypto'
import { jetstream } from '@nats-io/jetstream'
import { type Broker, connectBroker, lastMessage, makeHeaders, readMessages, type StoredMessage } from '@reins/broker'
import {
  bucketFilter,
  bucketStream,
  bucketSubject,
  buckets,
  firedSubject,
  memoryEntryFilter,
  memoryEntrySubject,
  memoryScopeForgottenFilter,
  memoryScopeSubject,
  objectInfoSubject,
  objectStores,
  objectStream,
  type ServiceName,
  sealHeader,
  streams,
  timerSubject,
  webhookTimerSubject,
} from '@reins/contracts'
import pg from 'pg'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Ask } from '../people/history.ts'
import type { Tally } from '../tally.ts'
import { of } from './archive.ts'
import { nonsense } from './poison.ts'

type Said = readonly (readonly [string, string])[]

async function asUser<T>(world: World, who: ServiceName, what: (thief: Broker) => Promise<T>): Promise<T> {
  const thief = await connectBroker({ url: world.servers.natsUrl(who), name: `${who}, stolen` })
  try {
    return await what(thief)
  } finally {
    await thief.close()
  }
}

/** Whether the broker took it. */
const put = (thief: Broker, subject: string, body: string, headers: Said = []): Promise<boolean> =>
  jetstream(thief.nc)
    .publish(subject, body, { headers: makeHeaders(headers), timeout: 1500, retries: 0 })
    .then(
      () => true,
      () => false,
    )

/** SA1. `not`: headers that are left out, or said otherwise in `more`. */
const again = (message: StoredMessage, names: readonly string[], more: Said = []): Said => [
  ...names
    .filter((name) => message.header(name) !== '' && !more.some(([other]) => other === name))
    .map((name): [string, string] => [name, message.header(name)]),
  ...more,
]

const keys = bucketStream(buckets.idempotency)
const digest = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

/** Of requests that make a session, by the holder of the admin token. */
const subjectOfKey = (key: string): string =>
  bucketSubject(buckets.idempotency, digest(['admin', 'POST /v1/sessions', key]))

export async function tryKeys(world: World, agent: string, tally: Tally): Promise<void> {
  const body = { agent, message: 'say something' }
  const ask = async (key: string) => {
    const { status, body: told } = await world.api.once<{ session?: { id: string }; error?: { code: string } }>(
      'POST',
      '/v1/sessions',
      body,
      { key },
    )
    return { status, session: told.session?.id, code: told.error?.code }
  }
  /** A request that is settled, and what stands under its key: before it was, and since. */
  const settled = async () => {
    const key = randomUUID()
    const { session = '' } = await ask(key)
    const stored = await eventually(async () => {
      const found = await lastMessage(world.broker, keys, subjectOfKey(key))
      return found?.body.includes('outcome') && found
    })
    return { key, session, stored }
  }
  const unanswered = async (key: string, foreign: readonly string[]) => {
    const told = await ask(key)
    const well = told.code === 'idempotency_conflict' || (told.session !== undefined && !foreign.includes(told.session))
    if (!well) console.log(key, told)
    return well
  }
  const first = await settled()
  for (const who of ['session-gateway', 'executor', 'tool-runner', 'memory'] as const)
    await asUser(world, who, async (thief) => {
      const other = randomUUID()
      const place = subjectOfKey(other)
      if (who === 'session-gateway') await put(thief, place, first.stored.body, again(first.stored, [sealHeader]))
      else {
        // Its own inbox would get it: the broker is told to answer there instead.
        thief.nc.publish(`$JS.API.DIRECT.GET.${keys}`, `{"last_by_subj":"${subjectOfKey(first.key)}"}`, {
          reply: place,
        })
        await thief.nc.flush()
        await new Promise((done) => setTimeout(done, 300))
      }
      const well = await unanswered(other, [first.session])
      tally.note(who, 'have a new request answered by what another one was told', well ? 'refused' : 'got through')
    })
  await asUser(world, 'session-gateway', async (thief) => {
    const made = await settled()
    const told = JSON.parse(made.stored.body) as object
    await put(thief, subjectOfKey(made.key), JSON.stringify({ ...told, session: first.session, outcome: undefined }))
    const led = await ask(made.key)
    const well = led.session === undefined || led.session === made.session
    tally.note('session-gateway', 'lead a repeated request to another session', well ? 'refused' : 'got through')
    for (const [what, how] of [
      ['was deleted', (key: string) => put(thief, subjectOfKey(key), '', [['KV-Operation', 'DEL']])],
      [
        'was purged',
        (key: string) =>
          put(thief, subjectOfKey(key), '', [
            ['KV-Operation', 'PURGE'],
            ['Nats-Rollup', 'sub'],
          ]),
      ],
      ['went with all others', () => put(thief, subjectOfKey(randomUUID()), '{}', [['Nats-Rollup', 'all']])],
    ] as const) {
      const { key, session } = await settled()
      await how(key)
      const { session: second } = await ask(key)
      const once = second === undefined || second === session
      tally.note('session-gateway', `have a request done twice whose key ${what}`, once ? 'refused' : 'got through')
    }
    // Of a request that was refused, so that it may come again: said again when it has come.
    const key = randomUUID()
    await world.api.once('POST', '/v1/sessions', { agent: 'nobody-has-this-one' }, { key })
    const gone = await lastMessage(world.broker, keys, subjectOfKey(key))
    const { session } = await ask(key)
    await eventually(() => Date.now() - (gone?.storedAt ?? 0) > 12_000)
    if (gone) await put(thief, subjectOfKey(key), gone.body, again(gone, [sealHeader, 'KV-Operation']))
    const { session: second } = await ask(key)
    const once = second === undefined || second === session
    tally.note(
      'session-gateway',
      'have a request done twice whose key had been given back',
      once ? 'refused' : 'got through',
    )
    for (const said of [...nonsense, '{"v":3}', JSON.stringify({ ...JSON.parse(made.stored.body), v: 1 })]) {
      const spoiled = await settled()
      await put(thief, subjectOfKey(spoiled.key), said)
      const answer = await ask(spoiled.key)
      const fine = answer.code === 'idempotency_conflict' || answer.session === spoiled.session
      if (!fine) console.log(said.slice(0, 40), answer)
      tally.note('session-gateway', 'spoil what is kept of a request', fine ? 'refused' : 'got through')
    }
  })
}

/** One message, that says that it takes the place of all others. What `open` names, the broker cannot refuse. */
export async function tryRollups(world: World, tally: Tally): Promise<void> {
  const everywhere: readonly (readonly [ServiceName, string, string, string])[] = [
    ...(['session-gateway', 'executor', 'tool-runner'] as const).flatMap((who) => [
      [who, 'entries of pools', bucketStream(buckets.pools), bucketSubject(buckets.pools, 'exec.rolled')] as const,
      [
        who,
        'kept outputs',
        objectStream(objectStores.outputs),
        objectInfoSubject(objectStores.outputs, 'rolled'),
      ] as const,
    ]),
    ['session-gateway', 'keys of requests', keys, bucketSubject(buckets.idempotency, 'rolled')],
    ['executor', 'snapshots', bucketStream(buckets.snapshots), bucketSubject(buckets.snapshots, 'rolled')],
    ['executor', 'timers', streams.timers, timerSubject('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'rolled')],
    ['memory', 'timers', streams.timers, webhookTimerSubject('rolled', 'rolled')],
    ['memory', 'memories', streams.memories, memoryEntrySubject('agent:x', 'k', 'rolled')],
    ['registry', 'records', streams.registry, 'reg.agent.rolled'],
    [
      'registry',
      'code of users',
      objectStream(objectStores.bundles),
      objectInfoSubject(objectStores.bundles, 'rolled'),
    ],
  ]
  for (const [who, what, stream, subject] of everywhere) {
    for (const other of ['one', 'other']) await put(world.broker, subject.replace('rolled', other), '{}')
    const places = await readMessages(world.broker, stream, '>')
    await asUser(world, who, (thief) => put(thief, subject, '{}', [['Nats-Rollup', 'all']]))
    const left = await readMessages(world.broker, stream, '>')
    tally.note(who, `take away all ${what} by one message`, left.length >= places.length ? 'refused' : 'got through')
  }
}

const ofTimer = ['Nats-Schedule', 'Nats-Schedule-Target', 'Nats-Schedule-TTL', 'Reins-Timer-At', sealHeader]
const soon = (): string => `@at ${new Date(Date.now() + 200).toISOString()}`

/** `agent`: whose calls of the shell wait for a person, for some seconds. */
export async function tryTimers(
  world: World,
  { agent, expiresMs }: { agent: string; expiresMs: number },
  tally: Tally,
) {
  const waiting = async () => {
    const { session } = await world.api.create(agent, '!shell touch timer')
    const asked = async () => (await world.readLog(session.id)).map(({ frame }) => frame)
    const armed = await eventually(async () => {
      const all = (await asked()).flatMap(({ events }) => events)
      const found = all.find((event) => event.type === 'timer.armed')
      return found?.type === 'timer.armed' && found.data
    })
    const stored = await eventually(() =>
      lastMessage(world.broker, streams.timers, timerSubject(session.id, armed.timer)),
    )
    const ended = async () =>
      (await asked()).some(({ events }) => events.some(({ type }) => type === 'approval.expired'))
    return { session: session.id, ...armed, stored, ended }
  }
  const other = await waiting()
  const attempts: readonly (readonly [
    string,
    (thief: Broker, one: Awaited<ReturnType<typeof waiting>>) => Promise<unknown>,
  ])[] = [
    [
      'fire a timer before its time',
      (thief, { session, timer }) =>
        put(thief, timerSubject(session, timer), '', [
          ['Nats-Schedule', soon()],
          ['Nats-Schedule-Target', firedSubject(session, timer)],
        ]),
    ],
    [
      'fire a timer before its time, as it was sealed',
      (thief, { stored }) =>
        put(thief, stored.subject, stored.body, again(stored, ofTimer, [['Nats-Schedule', soon()]])),
    ],
    [
      'fire a timer before its time, with another time beside its seal',
      (thief, { stored }) =>
        put(
          thief,
          stored.subject,
          stored.body,
          again(stored, ofTimer, [
            ['Nats-Schedule', soon()],
            ['Reins-Timer-At', String(Date.now())],
          ]),
        ),
    ],
    [
      'fire a timer by that of another session',
      (thief, { session, timer }) =>
        put(
          thief,
          timerSubject(session, timer),
          '',
          again(other.stored, ofTimer, [
            ['Nats-Schedule', soon()],
            ['Nats-Schedule-Target', firedSubject(session, timer)],
            ['Reins-Timer-At', String(Date.now())],
          ]),
        ),
    ],
  ]
  await asUser(world, 'executor', async (thief) => {
    for (const [what, attempt] of attempts) {
      const one = await waiting()
      await attempt(thief, one)
      // What has come of it has come when a later timer has fired.
      await eventually(() => Date.now() > one.at - expiresMs / 2, { withinMs: 60_000 })
      const early = await one.ended()
      const late =
        !early &&
        (await eventually(one.ended, { withinMs: 60_000 }).then(
          () => false,
          () => true,
        ))
      if (early || late) console.log(what, { early, late })
      tally.note('executor', what, early ? 'got through' : 'refused')
      tally.note('executor', `${what}, so that it does not fire when it should`, late ? 'got through' : 'refused')
    }
    const before = (await world.readLog(other.session)).length
    await put(thief, other.stored.subject, '', again(other.stored, ofTimer, [['Nats-Schedule', soon()]]))
    const { session } = await world.api.create(agent, 'say between')
    await world.settled(session.id)
    const changed = (await world.readLog(other.session))
      .slice(before)
      .some(({ frame }) => frame.events.some(({ type }) => type !== 'timer.fired'))
    tally.note('executor', 'have a timer that has fired change something again', changed ? 'got through' : 'refused')
  })
}

const ofMemory = ['Nats-Expected-Last-Subject-Sequence', 'Nats-Expected-Last-Subject-Sequence-Subject', sealHeader]
/** Without the conditions, which the broker would look at; and hidden from it, so that a reader finds them. */
const hidden: Said = [
  ['X', `${ofMemory[0]}${ofMemory[0]}`],
  ['Y', `${ofMemory[1]}-Subject${ofMemory[1]}-Subject`],
]

export async function tryMemories(world: World, admin: Ask, restart: () => Promise<void>, tally: Tally): Promise<void> {
  const scope = 'agent:theirs'
  const at = (key: string, of = scope) => `/v1/memory/entry?scope=${of}&key=${key}`
  const word = 'word-that-was-forgotten'
  const store = async (key: string, of = scope) => {
    const { status, text } = await admin('PUT', at(key, of), { value: word })
    if (status >= 300) throw new Error(`${status} ${text}`)
    return (await lastMessage(world.broker, streams.memories, memoryEntryFilter(of, key)))!
  }
  const seen = async (key: string, of = scope) => {
    const { text } = await admin('GET', at(key, of))
    const { text: list } = await admin('GET', `/v1/memory/entries?scope=${of}`)
    const { text: found } = await admin('GET', `/v1/memory/search?scope=${of}&query=${word}`)
    return [text, list, found].some((one) => one.includes(word))
  }
  const one = await store('one')
  await admin('DELETE', at('one'))
  const mine = await store('mine', 'agent:mine')
  const two = await store('two', 'agent:cleared')
  await admin('DELETE', '/v1/memory/entries?scope=agent:cleared&all=true')
  const cleared = await lastMessage(world.broker, streams.memories, memoryScopeForgottenFilter('agent:cleared'))
  if (!cleared) throw new Error('no scope was forgotten')
  await asUser(world, 'memory', async (thief) => {
    const last = async (key: string, of = scope) =>
      (await lastMessage(world.broker, streams.memories, memoryEntryFilter(of, key)))?.seq ?? 0
    for (const [what, headers] of [
      ['as it was', again(one, [sealHeader])],
      ['with its condition, which the broker does not find', [...hidden, ...again(one, ofMemory)]],
      ['with the condition that fits now', again(one, ofMemory, [[ofMemory[0]!, String(await last('one'))]])],
      ['without a seal', again(one, ofMemory.slice(0, 2), [[ofMemory[0]!, String(await last('one'))]])],
    ] as const) {
      const taken = await put(thief, one.subject, one.body, headers)
      const back = await seen('one')
      tally.note(
        'memory',
        `put back what was forgotten, ${what}${taken ? ' (stored)' : ''}`,
        back ? 'got through' : 'refused',
      )
    }
    const op = randomUUID()
    for (const [what, subject, from] of [
      ['under its key', memoryEntrySubject(scope, 'mine', op), 'mine'],
      ['under a key that was forgotten', one.subject, 'one'],
    ] as const) {
      await put(thief, subject, mine.body, again(mine, [sealHeader]))
      const shown = await seen(from)
      tally.note('memory', `show what another scope remembers ${what}`, shown ? 'got through' : 'refused')
    }
    await put(thief, two.subject, two.body, again(two, [sealHeader]))
    tally.note(
      'memory',
      'put back what went with its scope',
      (await seen('two', 'agent:cleared')) ? 'got through' : 'refused',
    )
    const third = await store('three', 'agent:cleared')
    await put(thief, cleared.subject, cleared.body, again(cleared, [sealHeader]))
    await put(thief, memoryScopeSubject('agent:cleared', op), cleared.body, again(third, [sealHeader]))
    tally.note('memory', 'forget a scope again', (await seen('three', 'agent:cleared')) ? 'refused' : 'got through')
    for (const said of nonsense) await put(thief, memoryEntrySubject('agent:cleared', 'three', randomUUID()), said)
    const stays = await seen('three', 'agent:cleared')
    const goesOn = (await admin('PUT', at('three', 'agent:cleared'), { value: 'newer' })).status
    tally.note('memory', 'spoil what is remembered', stays && goesOn < 300 ? 'refused' : 'got through')
  })
  // The index is made anew of what is stored.
  await restart()
  const back = (await seen('one')) || (await seen('mine')) || (await seen('two', 'agent:cleared'))
  tally.note('memory', 'have the index believe more when it begins again', back ? 'got through' : 'refused')
}

/** With the password of memory, and of the registry, in Postgres: a place that is beyond everything. */
export async function tryPlaces(
  world: World,
  admin: Ask,
  agent: string,
  restart: (service: 'registry' | 'memory', meanwhile: () => Promise<void>) => Promise<void>,
  tally: Tally,
): Promise<void> {
  const client = new pg.Client({ connectionString: world.servers.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ s: string; t: string }>(
      `select table_schema as s, table_name as t from information_schema.tables where table_name like '%checkpoint'`,
    )
    for (const service of ['memory', 'registry'] as const)
      await restart(service, async () => {
        for (const { s, t } of rows.filter(({ t }) => t.startsWith('registry') === (service === 'registry')))
          await client.query(`update ${s}.${t} set seq = 9000000000`)
      })
    const { session } = await world.api.create(agent, 'say something')
    await world.settled(session.id)
    await world.agent('made-since')
    await admin('PUT', '/v1/memory/entry?scope=agent:since&key=k', { value: 'known-since' })
    for (const [who, what, path, word] of [
      ['memory', 'sessions', '/v1/sessions?limit=100', session.id],
      ['memory', 'memories', '/v1/memory/entries?scope=agent:since', 'known-since'],
      ['registry', 'agents', '/v1/agents?limit=100', 'made-since'],
    ] as const) {
      const there = await eventually(async () => (await admin('GET', path)).text.includes(word), {
        withinMs: 30_000,
      }).catch(() => false)
      tally.note(who, `have the list of ${what} leave out what is new, by its place`, there ? 'refused' : 'got through')
    }
  } finally {
    await client.end()
  }
}

/** An entry of a pool that nobody has made yet, which says that all is done. */
export async function tryFloors(world: World, agent: string, tally: Tally): Promise<void> {
  const floor = 9_000_000_000
  const floors = Object.fromEntries(['SES', 'SES-0', 'SES-1', 'SES-2', 'SES-3'].map((name) => [name, floor]))
  const known = await readMessages(world.broker, bucketStream(buckets.pools), bucketFilter(buckets.pools))
  for (const who of ['session-gateway', 'executor', 'tool-runner'] as const) {
    await asUser(world, who, async (thief) => {
      for (const { subject, body } of known)
        await put(thief, subject, JSON.stringify({ ...JSON.parse(body), floor, floors }))
    })
    const { turn } = await world.api.turn((await world.api.create(agent)).session.id, 'say something')
    tally.note(who, 'have a pool leave out its work', turn.status === 'completed' ? 'refused' : 'got through')
  }
}

/** Where exports are, and what was kept of outputs: an answer that is somebody else's. */
export async function tryOutputs(world: World, admin: Ask, agent: string, tally: Tally): Promise<void> {
  const long = async (word: string) => {
    const { session } = await world.api.create(agent, `!shell yes ${word} | head -c 300000`)
    const log = await world.settled(session.id)
    const ref = /sha256-[0-9a-f]{64}/.exec(JSON.stringify(log.map(({ frame }) => frame.events)))?.[0] ?? ''
    return { session: session.id, ref, name: `${session.id}/${ref}` }
  }
  const one = await long('of-the-first')
  const two = await long('of-the-second')
  const store = objectStream(objectStores.outputs)
  const description = await lastMessage(world.broker, store, objectInfoSubject(objectStores.outputs, two.name))
  for (const who of ['session-gateway', 'executor', 'tool-runner'] as const) {
    await asUser(world, who, (thief) =>
      put(thief, objectInfoSubject(objectStores.outputs, one.name), description?.body ?? '', [['Nats-Rollup', 'sub']]),
    )
    const { text } = await admin('GET', of(one.session, `/outputs/${one.ref}`))
    tally.note(who, 'show the output of another call', text.includes('of-the-second') ? 'got through' : 'refused')
    const told = JSON.parse(description?.body ?? '{}') as Record<string, unknown>
    const lying = JSON.stringify({
      ...told,
      name: one.name,
      digest: `SHA-256=${Buffer.from(one.ref.slice(7), 'hex').toString('base64url')}`,
    })
    await asUser(world, who, (thief) =>
      put(thief, objectInfoSubject(objectStores.outputs, one.name), lying, [['Nats-Rollup', 'sub']]),
    )
    const { text: page } = await admin('GET', of(one.session, `/outputs/${one.ref}?offset=0&limit=1000`))
    const { text: whole } = await admin('GET', of(one.session, `/outputs/${one.ref}`))
    const shown = page.includes('of-the-second') ? 'got through' : 'refused'
    tally.note(who, 'show pages of the output of another call as those of this one', shown)
    const all = whole.includes('of-the-second') ? 'got through' : 'refused'
    tally.note(who, 'show the whole output of another call as that of this one', all)
  }
}
