// The durable consumers of a stream, and how far each has come.
//   DU1. A node of a cluster that is away leaves its consumers out of the answer, and they are named as missing: a list that misses some is
//        no list, and it is asked for again.
import { type Broker, listConsumersSubject, untilAnswered } from '@reins/broker'
import { fieldsOf } from '@reins/contracts'
import { answer, answerMs, clusterWithinMs } from './stream-snapshot.ts'

export type Durables = ReadonlyMap<string, { readonly config: Record<string, unknown>; readonly floor: number }>

/** Rejects with what the broker said, and when consumers stay missing. */
export const durablesOf = (broker: Broker, stream: string): Promise<Durables> =>
  untilAnswered(async () => {
    const found = new Map<string, { config: Record<string, unknown>; floor: number }>()
    for (let offset = 0; ; ) {
      const page = await answer(broker, listConsumersSubject(stream), JSON.stringify({ offset }), answerMs)
      if (lengthOf(page.missing) > 0) throw new ConsumersMissing(stream) // DU1
      const consumers = Array.isArray(page.consumers) ? page.consumers.map(fieldsOf) : []
      for (const { name, config, ack_floor } of consumers) {
        const settings = { ...fieldsOf(config) }
        if (settings.durable_name !== undefined)
          found.set(String(name), { config: settings, floor: Number(fieldsOf(ack_floor).stream_seq ?? 0) })
      }
      offset += consumers.length
      if (consumers.length === 0 || offset >= Number(page.total ?? 0)) return found
    }
  }, clusterWithinMs)

const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0)

class ConsumersMissing extends Error {
  override readonly name = 'TimeoutError'
  constructor(stream: string) {
    super(
      `The nodes that have some consumers of ${stream} do not answer. Try again when every node of the cluster runs.`,
    )
  }
}
