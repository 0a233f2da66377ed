// The client of this page: it speaks to the process that gave the page out, which adds the token.
import { createClient } from '@reins/client'
import { pageHeader } from '../../src/page-header.ts'

export const reins = createClient({
  baseUrl: location.origin,
  fetch: (input, init) =>
    globalThis.fetch(input, { ...init, headers: { ...(init.headers as Record<string, string>), [pageHeader]: '1' } }),
})

/** What the server of the page has written into it. */
export interface Told {
  readonly agent: string
  readonly session?: string
}

export const told: Told = JSON.parse(document.querySelector<HTMLMetaElement>('meta[name="reins"]')?.content ?? '{}')
