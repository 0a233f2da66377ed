// Request and reply between services: JSON both ways, a `Reply` back, deadlines on both sides.
import type { ErrorBody, Reply } from '@reins/contracts'
import { errorTable, ReinsError, serviceSubject } from '@reins/contracts'
import type { Broker } from './broker.ts'

export type Handler = (request: unknown) => Promise<{ readonly value: unknown; readonly seq?: number }>

/**
 * Serves `svc.<service>.<verb>` for each verb, shared among the instances of the service (a queue group). A handler throws
 * ReinsError for what the caller did wrong; anything else is reported to `failed` and answered as `internal`, without its text.
 */
export function serveRequests(
  broker: Broker,
  service: Parameters<typeof serviceSubject>[0],
  handlers: Readonly<Record<string, Handler>>,
  failed: (verb: string, error: unknown) => void,
): { close(): void } {
  const subscriptions = Object.entries(handlers).map(([verb, handler]) =>
    broker.nc.subscribe(serviceSubject(service, verb), {
      queue: service,
      callback: (error, msg) => {
        if (error) return
        void answer(handler, msg.string(), (cause) => failed(verb, cause)).then((reply) =>
          msg.respond(JSON.stringify(reply)),
        )
      },
    }),
  )
  return {
    close: () => {
      for (const subscription of subscriptions) subscription.unsubscribe()
    },
  }
}

async function answer(handler: Handler, body: string, failed: (error: unknown) => void): Promise<Reply<unknown>> {
  try {
    return { ok: true, ...(await handler(body === '' ? {} : JSON.parse(body))) }
  } catch (error) {
    if (error instanceof ReinsError) return { ok: false, error: error.body() }
    failed(error)
    return {
      ok: false,
      error: { code: 'internal', message: errorTable.internal.meaning, next: errorTable.internal.next },
    }
  }
}

/** Asks a service. What goes wrong is a Reply too: nobody there, or no answer in time, is `unavailable`. */
export async function callService<T>(
  broker: Broker,
  subject: string,
  request: unknown,
  withinMs = 5000,
): Promise<Reply<T>> {
  const outcome = await broker.request(subject, JSON.stringify(request), { withinMs })
  if (outcome.kind === 'reply') return outcome.msg.json<Reply<T>>()
  const service = subject.split('.')[1] ?? 'service'
  const error: ErrorBody = {
    code: 'unavailable',
    message:
      outcome.kind === 'no-responders'
        ? `The ${service} service is not running.`
        : `The ${service} service did not answer within ${withinMs} ms.`,
    next: errorTable.unavailable.next,
  }
  return { ok: false, error }
}
