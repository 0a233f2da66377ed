// Request and reply between services: JSON both ways, a `Reply` back, deadlines on both sides.
import { nuid } from '@nats-io/nats-core'
import type { ErrorBody, Reply } from '@reins/contracts'
import { decodeReply, errorTable, fieldsOf, jsonValue, ReinsError, serviceSubject } from '@reins/contracts'
import type { Broker } from './broker.ts'
import { listen } from './listen.ts'
import { type Announced, defaultLargeLimits, LargeRequests, partBytes, partsOf } from './large-requests.ts'

export type Handler = (request: unknown) => Promise<{ readonly value: unknown; readonly seq?: number }>

type Served = Parameters<typeof serviceSubject>[0]

/**
 * Serves `svc.<service>.<verb>` for each verb, shared among the instances of the service (a queue group). A handler throws
 * ReinsError for what the caller did wrong; anything else is reported to `failed` and answered as `internal`, without its text.
 */
export function serveRequests(
  broker: Broker,
  service: Served,
  handlers: Readonly<Record<string, Handler>>,
  failed: (verb: string, error: unknown) => void,
): { close(): void } {
  const serve = (verb: string, respond: (body: Uint8Array, subject: string) => Promise<Reply<unknown>>) =>
    listen(
      broker,
      serviceSubject(service, verb),
      (msg) => {
        if (!msg.reply) return // nobody asks: a service does nothing for whoever cannot hear its answer
        respond(msg.data, msg.subject)
          .then((reply) => msg.respond(JSON.stringify(reply)))
          .catch((cause: unknown) => failed(verb, cause))
      },
      { queue: service, failed: (cause) => failed(verb, cause) },
    )
  const run = (verb: string, text: string): Promise<Reply<unknown>> => {
    const handler = handlers[verb] ?? unknownVerb
    return answer(
      async () => {
        const request = text === '' ? {} : jsonValue(text)
        if (request === undefined) throw new ReinsError('invalid_request', 'The request is no JSON.')
        return handler(request)
      },
      (cause) => failed(verb, cause),
    )
  }
  const subscriptions = Object.keys(handlers).map((verb) =>
    serve(verb, (body) => run(verb, new TextDecoder().decode(body))),
  )
  const large = new LargeRequests(defaultLargeLimits, (after, ms) => {
    const timer = setTimeout(after, ms)
    timer.unref()
    return () => clearTimeout(timer)
  })
  const here = nuid.next()
  let begun = 0
  subscriptions.push(
    serve(hereVerb, async () => ({ ok: true, value: {} })),
    serve(largeVerb, (body) =>
      answer(
        async () => {
          const at = `${here}.${++begun}`
          large.begin(at, announced(new TextDecoder().decode(body)))
          return { value: { at } }
        },
        (cause) => failed(largeVerb, cause),
      ),
    ),
    serve(`${largeVerb}.${here}.*`, async (part, subject) => {
      const taken = await answer(
        async () => ({ value: large.take(subject.split('.').slice(-2).join('.'), part) }),
        (cause) => failed(largeVerb, cause),
      )
      if (!taken.ok || taken.value === 'more') return taken
      const { verb, text } = taken.value as { verb: string; text: string }
      return run(verb, text)
    }),
  )
  return {
    close: () => {
      for (const subscription of subscriptions) subscription.close()
      large.close()
    },
  }
}

function announced(text: string): Announced {
  const { verb, bytes } = fieldsOf(jsonValue(text))
  if (typeof verb !== 'string' || !Number.isSafeInteger(bytes) || Number(bytes) < 1)
    throw new ReinsError('invalid_request', 'A large request says which one it is, and how many bytes it has.')
  return { verb, bytes: Number(bytes) }
}

const largeVerb = 'large'
/** Answered at once by each service: whether anybody of it is there. */
const hereVerb = 'here'
const unknownVerb: Handler = () => Promise.reject(new ReinsError('invalid_request', 'The service has no such request.'))

async function answer(handler: () => ReturnType<Handler>, failed: (error: unknown) => void): Promise<Reply<unknown>> {
  try {
    return { ok: true, ...(await handler()) }
  } catch (error) {
    if (error instanceof ReinsError) return { ok: false, error: error.body() }
    failed(error)
    return {
      ok: false,
      error: { code: 'internal', message: errorTable.internal.meaning, next: errorTable.internal.next },
    }
  }
}

/**
 * Asks a service. What goes wrong is a Reply too: nobody there, or no answer in time (of each of its parts), is `unavailable`. Of a
 * request that may take long, `unavailable` also comes soon after the last instance of the service is gone.
 */
export async function callService<T>(
  broker: Broker,
  subject: string,
  request: unknown,
  withinMs = 5000,
): Promise<Reply<T>> {
  const body = JSON.stringify(request)
  const bytes = Buffer.byteLength(body)
  if (bytes <= partBytes) return ask(broker, subject, body, withinMs)
  const [, , ...words] = subject.split('.')
  const verb = words.join('.')
  const large = subject.slice(0, -verb.length) + largeVerb
  const begun = await ask<{ at: string }>(broker, large, JSON.stringify({ verb, bytes }), withinMs)
  if (!begun.ok) return begun
  const [first, ...others] = partsOf(body).map(
    (part) => () => ask<T>(broker, `${large}.${begun.value.at}`, part, withinMs),
  )
  let reply = await (first ?? nothing)()
  for (const next of others) {
    if (!reply.ok) return reply
    reply = await next()
  }
  return reply
}

const nothing = (): never => {
  throw new Error('a large request without a part')
}

async function ask<T>(broker: Broker, subject: string, body: string | Uint8Array, withinMs: number): Promise<Reply<T>> {
  const service = subject.split('.')[1] ?? 'service'
  const here = `${subject.split('.').slice(0, 2).join('.')}.${hereVerb}`
  const watch = withinMs > watchedFromMs ? await watchService(broker, here) : undefined
  const asked = broker.request(subject, body, { withinMs })
  const outcome = await (watch ? Promise.race([asked, watch.gone]) : asked).finally(() => watch?.stop())
  if (outcome.kind === 'reply')
    return decodeReply<T>(outcome.msg.string()) ?? noAnswer(`The ${service} service answered what is no answer.`)
  return noAnswer(
    {
      'no-responders': `The ${service} service is not running.`,
      'timed-out': `The ${service} service did not answer within ${withinMs} ms.`,
      gone: `The ${service} service ended before it answered. What was asked for may have happened in part.`,
    }[outcome.kind],
  )
}

const noAnswer = (message: string): { readonly ok: false; readonly error: ErrorBody } => ({
  ok: false,
  error: { code: 'unavailable', message, next: errorTable.unavailable.next },
})

/** A request with a longer deadline is watched. */
const watchedFromMs = 10_000
const lookMs = 300

/** `gone` resolves when nobody serves any more. A service that never said that it is there (an older one) is not missed. */
async function watchService(
  broker: Broker,
  subject: string,
): Promise<{ readonly gone: Promise<{ readonly kind: 'gone' }>; stop(): void }> {
  const { promise, resolve } = Promise.withResolvers<{ readonly kind: 'gone' }>()
  let seen = false
  const look = async (): Promise<void> => {
    const { kind } = await broker.request(subject, '', { withinMs: 2000 })
    if (kind === 'no-responders' && seen) resolve({ kind: 'gone' })
    seen ||= kind === 'reply'
  }
  // Before the request itself is sent: a process that is killed while it works on that may not have answered this otherwise.
  await look()
  const timer = setInterval(() => void look(), lookMs)
  return { gone: promise, stop: () => clearInterval(timer) }
}
