// What the memory service answers from its index. Throws unavailable while nobody answers for it.
import { type Only, ReinsError, serviceSubject } from '@reins/contracts'
import type { CallService } from '../../ports.ts'
import { type Alternatives, allowsAll } from '../access/needs.ts'

/** A list waits for a database that is starting. */
export const listedWithinMs = 10_000

export async function fromIndex<T>(
  call: CallService,
  verb: string,
  request: unknown,
  withinMs = listedWithinMs,
): Promise<T> {
  const reply = await call<T>(serviceSubject('memory', verb), request, withinMs)
  if (reply.ok) return reply.value
  const { code, message, details, next } = reply.error
  throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
}

/** What a list may show, for whoever makes it; nothing where it may show all. */
export const onlyOf = (allowed: Alternatives): { readonly only?: Only } =>
  allowsAll(allowed)
    ? {}
    : {
        only: allowed.map(({ agent, session, tool }) => ({
          ...(agent === undefined ? {} : { agent }),
          ...(session === undefined ? {} : { session }),
          ...(tool === undefined ? {} : { tool }),
        })),
      }
