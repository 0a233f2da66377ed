// `ctx.req` of a workflow: the HTTP request that a run began with is asked of the gateway that took it, which alone has it (decision 047).
//   RQ1. What is once gone stays gone: no code is given in a later replay what it was told before not to be there.
import { type Reply, type RunRequest, type RunRequestOf, runRequestVerb, serviceSubject } from '@reins/contracts'

export type RunRequests = (session: string, begun: { readonly gateway: string }) => Promise<RunRequest>

/** Of a gateway that is there and does not answer. One that has ended is known to be gone at once. */
const withinMs = 8_000
/** Of a run that is forgotten here its gateway is asked again, and says the same. */
const mostKnown = 10_000

/** Never rejects. */
export function runRequests(
  call: (subject: string, request: RunRequestOf, withinMs: number) => Promise<Reply<RunRequest>>,
): RunRequests {
  const gone = new Set<string>()
  return async (session, { gateway }) => {
    if (gone.has(session)) return { kind: 'gone' }
    const reply = await call(serviceSubject('session-gateway', runRequestVerb(gateway)), { session }, withinMs)
    if (reply.ok && reply.value.kind === 'held') return reply.value
    if (gone.size >= mostKnown) gone.clear()
    gone.add(session)
    return { kind: 'gone' }
  }
}
