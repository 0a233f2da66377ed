// Durable consumers, made where they are missing. That nobody answers has not said that one is missing: made again with another beginning,
// it would be refused.
import { type ConsumerConfig, type ConsumerInfo, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream'
import { consumerNotFound } from './jetstream-api.ts'
import { leadersWithinMs, untilAnswered } from './until-answered.ts'

type Manager = { readonly consumers: Pick<JetStreamManager['consumers'], 'info' | 'add' | 'update'> }

/** One that is there keeps its place; only its `ack_wait` follows the settings. Asked again for `withinMs` while nobody answers. */
export const ensureDurable = (
  { consumers }: Manager,
  stream: string,
  config: Partial<ConsumerConfig> & { readonly durable_name: string },
  withinMs = leadersWithinMs,
): Promise<void> =>
  untilAnswered(async () => {
    const { durable_name, ack_wait } = config
    const look = (): Promise<ConsumerInfo | undefined> => consumers.info(stream, durable_name).catch(notThere)
    const there = await look()
    if (!there)
      await consumers.add(stream, config).catch(async (error: unknown) => {
        // Another process may have made it meanwhile, to begin elsewhere.
        if (!(error instanceof JetStreamApiError && (await look()))) throw error
      })
    else if (ack_wait !== undefined && there.config.ack_wait !== ack_wait)
      await consumers.update(stream, durable_name, { ack_wait })
  }, withinMs)

function notThere(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.code === consumerNotFound) return undefined
  throw error
}
