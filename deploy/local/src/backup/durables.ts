// The durable consumers of a stream, and how far each has come.
//   DU1. A node of a cluster that does not answer leaves its consumers out of the list, and they are named as missing: the list is asked for
//        again. What stays missing is on a node that is away, and no durable: those have a copy on each node.
import { type Broker, listConsumersSubject, untilAnswered } from '@reins/broker'
import { fieldsOf } from '@reins/contracts'
import { answer, answerMs, clusterWithinMs } from './stream-snapshot.ts'

export type Durables = ReadonlyMap<string, { readonly config: Record<string, unknown>; readonly floor: number }>

/** ms in which a node that runs gives its consumers. */
const missingMs = 15_000

/** Rejects with what the broker said. */
export function durablesOf(broker: Broker, stream: string): Promise<Durables> {
  const deadline = performance.now() + missingMs
  return untilAnswered(async () => {
    const found = new Map<string, { config: Record<string, unknown>; floor: number }>()
    for (let offset = 0; ; ) {
      const page = await answer(broker, listConsumersSubject(stream), JSON.stringify({ offset }), answerMs)
      const consumers = Array.isArray(page.consumers) ? page.consumers.map(fieldsOf) : []
      const missing = lengthOf(page.missing)
      if (missing > 0 && performance.now() < deadline) throw new ConsumersMissing(stream) // DU1
      for (const { name, config, ack_floor } of consumers) {
        const settings = { ...fieldsOf(config) }
        if (settings.durable_name !== undefined)
          found.set(String(name), { config: settings, floor: Number(fieldsOf(ack_floor).stream_seq ?? 0) })
      }
      offset += consumers.length + missing
      if (consumers.length === 0 || offset >= Number(page.total ?? 0)) return found
    }
  }, clusterWithinMs)
}

const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0)

class ConsumersMissing extends Error {
  override readonly name = 'TimeoutError'
  constructor(stream: string) {
    super(`Nodes that have consumers of ${stream} do not answer.`)
  }
}
