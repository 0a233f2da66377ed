// Sending one delivery: one POST to one address.
//   P1. The name is looked up here, each of its addresses is checked, and the connection goes to the address that was checked: nobody
//       can answer the check with one address and the connection with another.
//   P2. A redirect is an answer like any other, and is not followed.
//   P3. It ends by its deadline, and of the answer only its status is read.
import { lookup } from 'node:dns/promises'
import http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { isPublicAddress, webhookUrlProblem } from '@reins/contracts'

export type Posted =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs: number | undefined }
  /** There was no answer. */
  | { readonly kind: 'failed'; readonly why: string }
  /** It may not be sent there at all. */
  | { readonly kind: 'refused'; readonly why: string }

export interface Target {
  readonly url: string
  /** Names are looked up again for each attempt; this says which one it is, so that another address is tried. */
  readonly attempt: number
}

export interface PostOptions {
  readonly allowPrivate: boolean
  readonly withinMs: number
  /** All addresses of a name. */
  readonly resolve: (host: string) => Promise<readonly string[]>
  readonly signal: AbortSignal
}

export const systemResolve = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** Never rejects. */
export async function post(
  { url: text, attempt }: Target,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: PostOptions,
): Promise<Posted> {
  const problem = webhookUrlProblem(text, options)
  if (problem !== undefined) return { kind: 'refused', why: problem }
  const url = new URL(text)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.withinMs)])
  const found = await addressesOf(host, options.resolve, signal)
  if (typeof found === 'string') return { kind: 'failed', why: found }
  const closed = options.allowPrivate ? undefined : found.find((address) => !isPublicAddress(address))
  if (closed !== undefined)
    return { kind: 'refused', why: `${host} is at ${closed}, an address of this machine or of a private network` }
  return send(url, host, found[(attempt - 1) % found.length] ?? '', headers, body, signal, options.withinMs)
}

/** A text: why there are none. */
async function addressesOf(
  host: string,
  resolve: PostOptions['resolve'],
  signal: AbortSignal,
): Promise<readonly string[] | string> {
  if (isIP(host) !== 0) return [host]
  const late = Promise.withResolvers<readonly string[]>()
  const stop = () => late.reject(new Error('the name was not found in time'))
  signal.addEventListener('abort', stop)
  try {
    const found = await Promise.race([resolve(host), late.promise])
    return found.length > 0 ? found : `${host} has no address`
  } catch (error) {
    return `${host} was not found (${codeOf(error)})`
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function send(
  url: URL,
  host: string,
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
  withinMs: number,
): Promise<Posted> {
  const { request } = url.protocol === 'https:' ? https : http
  return new Promise((resolve) => {
    const sent = request(
      {
        method: 'POST',
        host: address, // P1
        ...(isIP(host) === 0 ? { servername: host } : {}),
        port: url.port === '' ? undefined : Number(url.port),
        path: `${url.pathname}${url.search}`,
        headers: { ...headers, host: url.host, 'content-length': Buffer.byteLength(body) },
        agent: false,
        signal,
      },
      (response) => {
        const { statusCode = 0 } = response
        response.on('error', () => undefined)
        response.destroy() // P3
        resolve({ kind: 'answered', status: statusCode, retryAfterMs: retryAfter(response.headers['retry-after']) })
      },
    )
    sent.on('error', (error) => {
      const why = signal.aborted ? `no answer within ${withinMs / 1000} s` : `the connection failed (${codeOf(error)})`
      resolve({ kind: 'failed', why })
    })
    sent.end(body)
  })
}

/** Seconds; the form of a date is not read. */
function retryAfter(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,7}$/.test(text.trim()) ? Number(text) * 1000 : undefined
}

/** What the system calls it: its message could name anything that stands in the address. */
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
