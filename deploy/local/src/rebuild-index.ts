// `reins rebuild-index`: asks the memory service to drop its list of sessions and to read all frames again.

import { callService, connectBroker } from '@reins/broker'
import { serviceSubject } from '@reins/contracts'
import type { LocalConfig } from './config.ts'
import { serversOf } from './service-command.ts'

const withinMs = 600_000

/** Rejects with an Error that says what is missing. `frames`: how many were read. */
export async function rebuildIndex(config: LocalConfig): Promise<{ readonly frames: number }> {
  // The gateway's user may ask services; that is all this needs.
  const { natsUrl } = serversOf(config, 'session-gateway')
  const broker = await connectBroker({ url: natsUrl, name: 'reins rebuild-index' })
  try {
    const reply = await callService<{ frames: number }>(broker, serviceSubject('memory', 'rebuild'), {}, withinMs)
    if (!reply.ok) throw new Error(`${reply.error.message} ${reply.error.next ?? ''}`)
    return reply.value
  } finally {
    await broker.close()
  }
}
