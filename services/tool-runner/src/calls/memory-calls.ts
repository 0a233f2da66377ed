// Questions to the memory service for the calls of agents.
//   MC1. A memory service that is away for a moment fails no call: it is asked again until the deadline. A question that changes something
//        has the id of its call, so it changes nothing twice.
import { setTimeout as pause } from 'node:timers/promises'
import { type Broker, callService } from '@reins/broker'
import { type MemoryAnswer, type MemoryAsk, memoryVerb, type Reply, serviceSubject } from '@reins/contracts'
import type { AskMemory } from '@reins/tools'

const answerMs = 5000
const againMs = 250

export function memoryOver(broker: Broker, { withinMs = 20_000 }: { readonly withinMs?: number } = {}): AskMemory {
  return async <Q extends keyof MemoryAsk>(question: Q, request: MemoryAsk[Q], signal: AbortSignal) => {
    const deadline = performance.now() + withinMs
    for (;;) {
      signal.throwIfAborted()
      const reply: Reply<MemoryAnswer[Q]> = await callService(
        broker,
        serviceSubject('memory', memoryVerb(question)),
        request,
        answerMs,
      )
      if (reply.ok || reply.error.code !== 'unavailable' || performance.now() > deadline) return reply
      await pause(againMs, undefined, { signal }) // MC1
    }
  }
}
