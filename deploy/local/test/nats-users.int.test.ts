// What the broker itself refuses to each service's user, tried on a real server.
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { connectBroker } from '@reins/broker'
import {
  type AskedService,
  archivistUser,
  backupUser,
  buckets,
  bundleDigest,
  inboxOf,
  mayAsk,
  allSessionStreamNames,
  newSessionStreams,
  objectStores,
  type Role,
  registrySubject,
  type ServiceName,
  serviceNames,
  serviceSubject,
  serviceVerbs,
  sessionStreamsOf,
  sessionSubject,
  spanExportSubject,
  streams,
  toLog,
  tracesDurable,
} from '@reins/contracts'
import { openJournal } from '@reins/journal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningNats, startNats } from '../src/nats/nats-process.ts'
import { natsUsers } from '../src/nats/nats-users.ts'
import { probeFeatures } from '../src/nats/probe-features.ts'
import { natsServer, Scratch } from './fixture.ts'

const session = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const newSessions = sessionStreamsOf(newSessionStreams)
const scratch = new Scratch()
let nats: RunningNats
const clients = new Map<string, NatsConnection>()

const urlOf = (user: string): string => {
  const password = natsUsers(scratch.path).find((one) => one.user === user)?.password
  return `nats://${user}:${password}@127.0.0.1:${nats.port}`
}

beforeAll(async () => {
  const { path: binary } = await natsServer()
  nats = await startNats({
    binary,
    dataDir: scratch.in('nats'),
    durability: 'interval',
    users: natsUsers(scratch.path),
  })
  // The least of all makes the streams, each of the others finds them: with no more rights than it has.
  for (const service of ['memory', ...serviceNames]) {
    const broker = await connectBroker({ url: urlOf(service), name: service })
    await openJournal(broker, { replicas: 1, ackWaitMs: 1000, now: () => 0 })
    await broker.close()
  }
  for (const { user, password } of natsUsers(scratch.path))
    clients.set(
      user,
      await connect({
        ...{ servers: nats.url, user, pass: password, reconnect: false, ignoreAuthErrorAbort: true },
        inboxPrefix: inboxOf(user).own,
      }),
    )
})
afterAll(async () => {
  for (const client of clients.values()) await client.close()
  await nats.close()
  scratch[Symbol.dispose]()
})

/** `answered`: the broker let it through to JetStream, which says why it cannot be (the condition is never met). */
async function attempt(user: string, subject: string, payload = '{}'): Promise<'answered' | 'denied' | 'unheard'> {
  const conditions = headers()
  conditions.set('Nats-Expected-Last-Sequence', '999999')
  try {
    await clients.get(user)!.request(subject, payload, { timeout: 3000, headers: conditions })
    return 'answered'
  } catch (error) {
    if (/permission/i.test(String(error))) return 'denied'
    if (/no responders/i.test(String(error))) return 'unheard'
    throw error
  }
}

const rolesOf: Readonly<Record<ServiceName, Role | undefined>> = {
  registry: undefined,
  'session-gateway': 'g',
  executor: 'e',
  'tool-runner': 't',
  memory: 'm',
}

describe.each(serviceNames)('the user of %s', (service) => {
  it('appends frames of its own role only, and only the registry what the registry says', async () => {
    for (const role of ['g', 'e', 't', 'm'] as const)
      expect([role, await attempt(service, sessionSubject(session, role, toLog))]).toEqual([
        role,
        rolesOf[service] === role ? 'answered' : 'denied',
      ])
    expect(await attempt(service, registrySubject('token', 'x'))).toBe(service === 'registry' ? 'answered' : 'denied')
    expect(await attempt(service, `rp.${sessionSubject(session, 'g', toLog)}`)).toBe('denied')
  })

  it('neither purges, deletes, restores nor reshapes what is stored', async () => {
    const held = [
      ...allSessionStreamNames,
      ...Object.values(streams),
      `KV_${buckets.idempotency}`,
      `OBJ_${objectStores.outputs}`,
      `OBJ_${objectStores.bundles}`,
    ]
    for (const stream of held)
      for (const verb of ['PURGE', 'DELETE', 'MSG.DELETE', 'RESTORE', 'SNAPSHOT', 'LEADER.STEPDOWN'])
        expect([verb, stream, await attempt(service, `$JS.API.STREAM.${verb}.${stream}`)]).toEqual([
          verb,
          stream,
          'denied',
        ])
    const [one] = newSessions.names
    const reshaped = JSON.stringify({ name: one, subjects: ['ses.>'], max_msgs: 1 })
    for (const stream of held)
      if (service !== 'registry')
        expect(await attempt(service, `$JS.API.STREAM.UPDATE.${stream}`, reshaped)).toBe('denied')
    expect(await attempt(service, '$JS.API.STREAM.CREATE.OTHER', '{"name":"OTHER"}')).toBe('denied')
    expect(await attempt(service, `$JS.API.CONSUMER.DELETE.${one}.exec-default`)).toBe('denied')
    expect(await attempt(service, `$JS.API.CONSUMER.PAUSE.${one}.exec-default`)).toBe('denied')
  })

  it("forges no replies, and writes nobody else's keys", async () => {
    expect(await attempt(service, '_INBOX.somebody.1')).toBe('denied')
    const key = await attempt(service, `$KV.${buckets.idempotency}.key`)
    expect(key).toBe(service === 'session-gateway' ? 'answered' : 'denied')
    for (const other of [...serviceNames, 'reins', 'monitor'])
      expect([other, await attempt(service, `${inboxOf(other).own}.somebody.1`)]).toEqual([other, 'denied'])
    const snapshot = await attempt(service, `$KV.${buckets.snapshots}.${session}`)
    expect(snapshot).toBe(service === 'executor' ? 'answered' : 'denied')
    // Where nobody has exported yet, the broker lets memory say it, and there is no stream that takes it.
    expect(await attempt(service, spanExportSubject)).toBe(service === 'memory' ? 'unheard' : 'denied')
    const durable = `$JS.API.CONSUMER.DELETE.${newSessions.names[0]}.${tracesDurable}`
    expect(await attempt(service, durable)).toBe(service === 'memory' ? 'answered' : 'denied')
  })
})

const keepers: readonly ServiceName[] = ['tool-runner', 'executor', 'session-gateway']

it.each(keepers)('lets the %s keep a whole output, once, and others read it', async (keeps) => {
  const opened = async (user: ServiceName) => {
    const broker = await connectBroker({ url: urlOf(user), name: user })
    return { broker, journal: await openJournal(broker, { replicas: 1, ackWaitMs: 1000, now: () => 0 }) }
  }
  const [keeper, gateway] = [await opened(keeps), await opened('session-gateway')]
  const bytes = Buffer.alloc(300_000, keeps)
  const { ref = '' } = await keeper.journal.outputs.put(session, bytes)
  expect(await keeper.journal.outputs.put(session, bytes)).toEqual({ ref, dropped: 0 })
  const kept = await gateway.journal.outputs.get(session, ref)
  const pieces: Uint8Array[] = []
  for await (const piece of kept?.bytes ?? []) pieces.push(piece)
  expect(Buffer.concat(pieces)).toEqual(bytes)
  for (const service of serviceNames)
    expect(await attempt(service, `$O.${objectStores.outputs}.C.x`)).toBe(
      keepers.includes(service) ? 'answered' : 'denied',
    )
  await Promise.all([keeper.broker.close(), gateway.broker.close()])
})

it('lets the registry alone keep bundles, once, and a tool-runner read them', async () => {
  const opened = async (user: ServiceName) => {
    const broker = await connectBroker({ url: urlOf(user), name: user })
    return { broker, journal: await openJournal(broker, { replicas: 1, ackWaitMs: 1000, now: () => 0 }) }
  }
  const [registry, runner] = [await opened('registry'), await opened('tool-runner')]
  const bytes = Buffer.alloc(300_000, 'x')
  const digest = bundleDigest(bytes)
  await registry.journal.bundles.put(digest, bytes)
  await registry.journal.bundles.put(digest, bytes)
  expect(Buffer.from((await runner.journal.bundles.get(digest)) ?? [])).toEqual(bytes)
  expect(await runner.journal.bundles.get(bundleDigest(Buffer.from('y')))).toBeUndefined()
  for (const service of serviceNames)
    expect(await attempt(service, `$O.${objectStores.bundles}.C.x`)).toBe(
      service === 'registry' ? 'answered' : 'denied',
    )
  await Promise.all([registry.broker.close(), runner.broker.close()])
})

/** Where others may speak to it. */
const heard: Readonly<Record<ServiceName, string>> = {
  registry: 'svc.registry.>',
  'session-gateway': 'hb.executor.>',
  executor: 'ctl.>',
  'tool-runner': 'ctl.>',
  memory: 'svc.memory.>',
}

describe.each(serviceNames)('what the user of %s hears', (service) => {
  const hears = async (subject: string) => {
    const nc = clients.get(service)!
    const refused = Promise.withResolvers<boolean>()
    const subscription = nc.subscribe(subject, { callback: (error) => refused.resolve(error !== null) })
    await nc.flush()
    // A refusal comes before the answer to the flush; a callback hears of it in the same turn, or a later one.
    const denied = await Promise.race([refused.promise, new Promise<boolean>((done) => setTimeout(done, 500, false))])
    subscription.unsubscribe()
    return !denied
  }

  it('is what arrives at its own inbox, and at nobody else’s', async () => {
    for (const inbox of ['_INBOX.>', '_INBOX.*.x.1', ...serviceNames.map((other) => `${inboxOf(other).own}.>`)])
      expect([inbox, await hears(inbox)]).toEqual([inbox, inbox === `${inboxOf(service).own}.>`])
  })

  it('makes it write nowhere: whoever names another place for an answer gets none', async () => {
    const [place, stream] =
      service === 'registry'
        ? [sessionSubject(session, 'e', toLog), newSessions.of(session)]
        : [registrySubject('token', `by-${service}`), streams.registry]
    const nc = clients.get(service)!
    const answered = new Promise<void>((resolve) => {
      nc.subscribe(heard[service], {
        max: 1,
        callback: (_error, msg) => {
          msg.respond('forged')
          resolve()
        },
      })
    })
    await nc.flush()
    clients.get('reins')!.publish(heard[service].replace('>', 'x'), '{}', { reply: place })
    await answered
    await nc.flush()
    const manager = await jetstreamManager(clients.get('reins')!)
    expect(await manager.streams.getMessage(stream, { last_by_subj: place })).toBeNull()
  })
})

describe('what services ask each other', () => {
  const owners = Object.keys(serviceVerbs) as AskedService[]
  const verbs = owners.flatMap((owner) => Object.keys(serviceVerbs[owner]).map((verb) => [owner, verb] as const))
  const askers = [...serviceNames, 'reins']

  it('reaches the service that answers it, and comes back, exactly where the table says so', async () => {
    const heard: string[] = []
    const answered: string[] = []
    for (const owner of owners)
      clients.get(owner)!.subscribe(`svc.${owner}.>`, {
        callback: (_error, msg) => {
          heard.push(`${msg.string()} asks ${msg.subject}`)
          msg.respond(msg.data)
        },
      })
    for (const asker of askers)
      clients.get(asker)!.subscribe(`${inboxOf(asker).answers}.>`, {
        callback: (_error, msg) => {
          answered.push(`${asker} asks ${msg.subject.split('.').slice(3).join('.')}`)
        },
      })
    for (const client of clients.values()) await client.flush()
    for (const asker of askers)
      for (const [owner, verb] of verbs) {
        const subject = serviceSubject(owner, verb)
        clients.get(asker)!.publish(subject, asker, { reply: `${inboxOf(asker).answers}.${subject}` })
      }
    // Of those who ask, of those who answer, and of those who hear the answers: after it all has arrived that ever will.
    for (const names of [askers, owners, askers]) for (const name of names) await clients.get(name)!.flush()
    const expected = verbs.flatMap(([owner, verb]) =>
      [...mayAsk(owner, verb), 'reins'].map((asker) => `${asker} asks ${serviceSubject(owner, verb)}`),
    )
    expect(heard.sort()).toEqual(expected.sort())
    expect(answered.sort()).toEqual(expected)
  })

  it.each(serviceNames)('is heard by nobody else: %s listens to what it answers, and to no other', async (service) => {
    const nc = clients.get(service)!
    for (const owner of owners) {
      const refused = Promise.withResolvers<'refused' | 'heard'>()
      const own = serviceSubject(owner, 'walk')
      const subscription = nc.subscribe(own, { callback: (error) => refused.resolve(error ? 'refused' : 'heard') })
      await nc.flush()
      clients.get('reins')!.publish(own, '')
      await clients.get('reins')!.flush()
      expect([owner, await refused.promise]).toEqual([owner, owner === service ? 'heard' : 'refused'])
      subscription.unsubscribe()
    }
  })
})

describe('the user of all services in one process', () => {
  it('destroys nothing that is kept, and tidies up after the probe', async () => {
    for (const stream of [...allSessionStreamNames, ...Object.values(streams)])
      for (const verb of ['PURGE', 'DELETE', 'MSG.DELETE'])
        expect(await attempt('reins', `$JS.API.STREAM.${verb}.${stream}`)).toBe('denied')
    const nc = clients.get('reins')!
    expect((await probeFeatures(nc, { sync: 'unknown' })).filter(({ ok, required }) => required && !ok)).toEqual([])
    const names = (await (await jetstreamManager(nc)).streams.list().next()).map(({ config }) => config.name)
    expect(names.filter((name) => name.startsWith('REINS_PROBE_'))).toEqual([])
  })
})

it('the user of backups saves what is stored, and says nothing', async () => {
  const refused = [
    ...(['g', 'e', 't', 'm'] as const).map((role) => sessionSubject(session, role, toLog)),
    ...[registrySubject('token', 'x'), serviceSubject('registry', 'put'), `$KV.${buckets.pools}.x`, 'ctl.x', 'timer.x'],
    ...['PURGE', 'DELETE', 'UPDATE', 'RESTORE', 'CREATE', 'MSG.DELETE'].map(
      (verb) => `$JS.API.STREAM.${verb}.${streams.registry}`,
    ),
    `$JS.API.CONSUMER.DELETE.${streams.registry}.x`,
  ]
  for (const subject of refused) expect([subject, await attempt(backupUser, subject)]).toEqual([subject, 'denied'])
  expect(await attempt(backupUser, `$JS.API.STREAM.INFO.${streams.registry}`)).toBe('answered')
})

it('the archivist empties and overwrites what is of sessions, and can do nothing else', async () => {
  const refused = [
    ...(['g', 'e', 't', 'm'] as const).map((role) => sessionSubject(session, role, toLog)),
    ...[registrySubject('token', 'x'), serviceSubject('registry', 'put'), `$KV.${buckets.pools}.x`, 'ctl.x', 'timer.x'],
    ...[streams.registry, streams.memories, `OBJ_${objectStores.bundles}`].map((one) => `$JS.API.STREAM.PURGE.${one}`),
    ...['DELETE', 'UPDATE', 'RESTORE', 'CREATE'].map((verb) => `$JS.API.STREAM.${verb}.SES`),
    ...[streams.registry, streams.memories, `OBJ_${objectStores.bundles}`].map(
      (one) => `$JS.API.STREAM.MSG.DELETE.${one}`,
    ),
    ...[streams.keys, streams.timers].map((one) => `$JS.API.STREAM.PURGE.${one}`),
    `$O.${objectStores.bundles}.C.x`,
  ]
  for (const subject of refused) expect([subject, await attempt(archivistUser, subject)]).toEqual([subject, 'denied'])
  // The stream that was made without an archive takes nothing out for anybody.
  const [one] = newSessions.names
  const purged = await clients.get(archivistUser)!.request(`$JS.API.STREAM.PURGE.${one}`, '{}', { timeout: 5000 })
  expect(purged.string()).toMatch(/purge not permitted/)
  const erased = await clients.get(archivistUser)!.request(`$JS.API.STREAM.MSG.DELETE.${one}`, '{"seq":1}')
  expect(erased.string()).toMatch(/delete not permitted/)
  // A key is written once, and by nobody else.
  const key = async (value: string) =>
    (await clients.get(archivistUser)!.request(`key.${session}`, value, { timeout: 5000 })).string()
  expect(await key('a')).not.toMatch(/error/)
  expect(await key('b')).toMatch(/error/)
  for (const service of [...serviceNames, 'reins'])
    expect([service, await attempt(service, `key.x`)]).toEqual([service, 'denied'])
})

it('nobody gets in without a password', async () => {
  await expect(connect({ servers: nats.url, reconnect: false })).rejects.toThrow(/Authorization/)
})
