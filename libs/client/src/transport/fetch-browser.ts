// How requests leave a page: the browser alone knows of proxies, and asks none for this machine.
import type { Fetch } from './transport.ts'

export const localFetch: Fetch = (input, init) => globalThis.fetch(input, init)
