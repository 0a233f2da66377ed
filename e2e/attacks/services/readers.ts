// Whoever reads what others write (timers, webhooks, memory, live deltas, the index), fed with the password of each service: by values that
// are none, by forged ones, and by headers that the broker acts on. Nothing stops, and nothing is believed that is not the writer's to say.
import { jetstream } from '@nats-io/jetstream'
import { type Broker, connectBroker, makeHeaders } from '@reins/broker'
import {
  deliverySubject,
  firedSubject,
  liveSubject,
  memoryEntrySubject,
  memoryScopeSubject,
  makeUlid,
  olderWebhookJobSubject,
  type Role,
  type ServiceName,
  serviceNames,
  sessionSubject,
  timerSubject,
  toExec,
  toLog,
  webhookJobSubject,
  webhookTimerSubject,
} from '@reins/contracts'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Ask } from '../people/history.ts'
import { nonsense } from './poison.ts'
import type { Outcome, Tally } from '../tally.ts'

export interface Read {
  readonly session: string
  readonly webhook: string
  readonly admin: Ask
  /** What the receiver of the webhook was told. */
  readonly told: readonly string[]
}

type Said = readonly (readonly [string, string])[]

const soon = (): string => `@at ${new Date(Date.now() + 1000).toISOString()}`
const roles: Partial<Record<ServiceName, Role>> = {
  'session-gateway': 'g',
  executor: 'e',
  'tool-runner': 't',
  memory: 'm',
}

/** Whether the broker took it. */
const put = (thief: Broker, subject: string, body: string, headers: Said = []): Promise<boolean> =>
  jetstream(thief.nc)
    .publish(subject, body, { headers: makeHeaders(headers), timeout: 1500, retries: 0 })
    .then(
      () => true,
      () => false,
    )

export async function tryReaders(world: World, { session, webhook, admin, told }: Read, tally: Tally): Promise<void> {
  const seq = (await world.readLog(session))[0]?.frame.seq ?? 1
  const mark = (service: string) => `forged-by-${service}`
  const about = (service: string, id: string) => ({
    ...{ id: `${id}-${mark(service)}`, webhook, type: 'message.received', session, n: 1, i: 0, attempt: 1 },
  })
  const job = (service: string, id: string) => JSON.stringify({ ...about(service, id), seq })
  const withBody = (service: string, id: string) =>
    JSON.stringify({ ...about(service, id), body: `{"type":"${mark(service)}"}` })
  const taken: [ServiceName, string, boolean][] = []
  const forge = async (service: ServiceName): Promise<void> => {
    const thief = await connectBroker({ url: world.servers.natsUrl(service), name: `forger for readers as ${service}` })
    const tried = async (what: string, subject: string, body: string, headers: Said = []) =>
      taken.push([service, what, await put(thief, subject, body, headers)])
    try {
      // Of a webhook: a delivery that nobody has asked for, at once and by the broker's own clock.
      await tried('a delivery', webhookJobSubject(webhook, 'forged'), job(service, 'forged'))
      await tried(
        'a delivery with its body',
        olderWebhookJobSubject(webhook, 'forged'),
        withBody(service, 'forged-with-body'),
      )
      // A subject holds one schedule: each has its own.
      for (const [what, subject] of [
        ['a timer of a session', timerSubject(session, 'forged')],
        ['a delivery that is put off', webhookTimerSubject(webhook, 'forged')],
      ] as const)
        for (const [target, at, body] of [
          ['a delivery', webhookJobSubject(webhook, `late-${service}`), job(service, 'late')],
          [
            'a delivery with its body',
            olderWebhookJobSubject(webhook, `late-${service}`),
            withBody(service, 'late-with-body'),
          ],
          ['a timer that has fired', firedSubject(session, 'forged'), job(service, 'late')],
          ['a frame', sessionSubject(session, 'g', toExec('default')), job(service, 'late')],
        ] as const)
          await tried(`${what} whose target is ${target}`, `${subject}${target.length}`, body, [
            ['Nats-Schedule', soon()],
            ['Nats-Schedule-Target', at],
          ])
      await tried('a timer that has fired', firedSubject(session, 'forged'), '', [
        ['Nats-Scheduler', timerSubject(session, 'forged')],
      ])
      await tried(
        'what came of a delivery',
        deliverySubject(webhook),
        `{"id":"x","webhook":"${webhook}","type":"${mark(service)}"}`,
      )
      // Of memory: an entry that nobody stored.
      const at = Date.now()
      const entry = {
        kind: 'stored',
        op: 'o',
        scope: 'agent:theirs',
        key: 'k',
        value: mark(service),
        by: 'user:admin',
        at,
      }
      const record = JSON.stringify({ ...entry, version: 1, created: true, createdAt: at })
      await tried('an entry', memoryEntrySubject('agent:theirs', 'k', service), record)
      await tried(
        'that a scope was forgotten',
        memoryScopeSubject('agent:theirs', service),
        '{"kind":"scope-forgotten"}',
      )
      // Of the live stream of a session.
      const delta = { call: 'c2', attempt: 1, block: 0, kind: 'text', offset: 0, text: mark(service) }
      for (const role of ['e', 't'] as const)
        for (const [kind, body] of [
          ['an answer', JSON.stringify(delta)],
          ['an output', JSON.stringify({ ...delta, kind: 'output' })],
          ['far beyond', JSON.stringify({ ...delta, offset: Number.MAX_SAFE_INTEGER })],
          ['of another attempt', JSON.stringify({ ...delta, attempt: 2 ** 40, block: 2 ** 40 })],
          ['large', JSON.stringify({ ...delta, kind: 'output', text: 'x'.repeat(900_000) })],
        ] as const)
          await tried(`a delta of ${role}: ${kind}`, liveSubject(session, role), body)
      // Headers that the broker acts on, and places that no session has.
      const role = roles[service]
      const own = sessionSubject(session, role ?? 'g', toLog)
      for (const header of [
        [['Nats-Rollup', 'all']],
        [['Nats-Rollup', 'sub']],
        [['Nats-TTL', '1s']],
        [
          ['Nats-Schedule', soon()],
          ['Nats-Schedule-Target', sessionSubject(session, 'g', toExec('default'))],
        ],
        [['KV-Operation', 'PURGE']],
        [['Nats-Incr', '+1']],
        [
          ['Nats-Batch-Id', 'b'],
          ['Nats-Batch-Sequence', '1'],
        ],
      ] as const)
        await tried(
          `a frame with ${header[0][0]} ${header[0][1]}`,
          own.replace(session, makeUlid(1, Math.random)),
          '{}',
          header,
        )
      for (const subject of [
        'ses.0.x.y.z.log',
        `ses.0..${session}.${role ?? 'g'}.log`,
        `ses.99.${session}.${session}.${role ?? 'g'}.log`,
      ])
        await tried(`a frame at ${subject.replaceAll(session, 'it')}`, subject, '{}')
      for (const body of nonsense)
        for (const subject of [
          webhookJobSubject(webhook, 'nonsense'),
          olderWebhookJobSubject(webhook, 'nonsense'),
          firedSubject(session, 'nonsense'),
          memoryEntrySubject('agent:theirs', 'k', 'nonsense'),
          liveSubject(session, 't'),
        ])
          await tried('what is none', subject, body)
    } finally {
      await thief.close()
    }
  }
  // What is refused is not answered: so each waits, and they need not wait for each other.
  await Promise.all(serviceNames.map(forge))
  // What the broker has put off has come by then: the readers come upon it before what is asked for now.
  await new Promise((done) => setTimeout(done, 1500))
  const answers = async (): Promise<boolean> =>
    (await world.api.turn(session, 'say after-all-that')).turn.status === 'completed'
  const goesOn = await answers().catch(() => false)
  const isTold = await eventually(() => told.some((body) => body.includes('after-all-that')), {
    withinMs: 30_000,
  }).catch(() => false)
  const listed = await eventually(async () => (await admin('GET', '/v1/sessions')).text.includes(session), {
    withinMs: 30_000,
  }).catch(() => false)
  const stored = await admin('PUT', '/v1/memory/entry?scope=agent:theirs&key=after', { value: 'all that' })
  for (const [what, well] of [
    ['stop a session', goesOn],
    ['stop webhooks', isTold],
    ['stop the list of sessions', listed],
    ['stop memory', stored.status < 300],
  ] as const)
    tally.note(
      'all of them together',
      `${what}${well ? '' : `: ${stored.status} ${stored.text.slice(0, 200)}`}`,
      well ? 'refused' : 'got through',
    )
  const seen = [
    ...told,
    ...(await Promise.all(
      ['/events', '/state'].map(async (rest) => (await admin('GET', `/v1/sessions/${session}${rest}`)).text),
    )),
    (await admin('GET', `/v1/sessions/${session}/events`, undefined, { accept: 'text/event-stream' })).text,
    (await admin('GET', '/v1/memory/entry?scope=agent:theirs&key=k')).text,
    (await admin('GET', '/v1/webhook-deliveries')).text,
  ]
  console.log(`the broker took ${taken.filter(([, , there]) => there).length} of ${taken.length}`)
  for (const [service, what, there] of taken) {
    // What memory and webhooks are is memory's own to say, and so is what an executor and a tool-runner stream.
    const believed = service !== 'memory' && seen.some((text) => text.includes(mark(service)))
    const outcome: Outcome = there && believed ? 'got through' : 'refused'
    tally.note(service, `${what}${there ? ' (stored)' : ''}`, outcome)
  }
}
