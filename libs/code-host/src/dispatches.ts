// What code of projects dispatches in workflows and tools, handed on to a gateway, which accepts it as it accepts any message.
//   DH1. A gateway that is away for a moment fails nothing: it is asked again until the deadline. What is dispatched has a key, so it is
//        accepted once, however often it is asked.
//   DH2. What goes out of here is masked: the input stands in the session of the agent that is given it.
import { setTimeout as pause } from 'node:timers/promises'
import { type DispatchReceipt, type DispatchSender, dispatchVerb, type Reply, serviceSubject } from '@reins/contracts'

export interface DispatchesOptions {
  call(subject: string, request: unknown, withinMs: number): Promise<Reply<DispatchReceipt>>
  /** DH2. */
  mask(value: unknown): unknown
  /** ms until it is given up. Default 40 000. */
  readonly withinMs?: number
}

export type Dispatches = (sender: DispatchSender, asked: unknown, signal: AbortSignal) => Promise<DispatchReceipt>

/** A gateway that has died takes no answer with it for longer: with its key the request is the same at another one. */
const askMs = 3_000
const againMs = 250

/** Rejects with what it is refused with. */
export function dispatches({ call, mask, withinMs = 40_000 }: DispatchesOptions): Dispatches {
  return async (sender, asked, signal) => {
    const deadline = performance.now() + withinMs
    const request = { sender, dispatch: mask(asked) }
    for (;;) {
      signal.throwIfAborted()
      const reply = await call(serviceSubject('session-gateway', dispatchVerb), request, askMs)
      if (reply.ok) return reply.value
      const { code, message, next } = reply.error
      if (code !== 'unavailable' || performance.now() > deadline)
        throw Object.assign(new Error(next === undefined ? message : `${message} ${next}`), { code })
      await pause(againMs, undefined, { signal })
    }
  }
}
