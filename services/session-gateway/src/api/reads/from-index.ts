// What the memory service answers from its index. Throws unavailable while nobody answers for it.
import { ReinsError, serviceSubject } from '@reins/contracts'
import type { CallService } from '../../ports.ts'

export async function fromIndex<T>(call: CallService, verb: string, request: unknown): Promise<T> {
  const reply = await call<T>(serviceSubject('memory', verb), request)
  if (reply.ok) return reply.value
  const { code, message, details, next } = reply.error
  throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
}
