// The events of a session that are there already, page by page.
import type { EventPage } from '@reins/contracts'
import type { ReinsClient } from './client-port.ts'

const pageSize = 500

export async function* allEvents(
  client: ReinsClient,
  id: string,
  options: { readonly after?: string; readonly tree?: boolean; readonly signal: AbortSignal },
): AsyncGenerator<Pick<EventPage, 'events' | 'cursor' | 'unreadable'>> {
  let after = options.after
  for (;;) {
    const page = await client.sessions.events(id, {
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
      ...(options.tree ? { tree: true } : {}),
    })
    yield page
    after = page.cursor
    if (!page.more || options.signal.aborted) return
  }
}
