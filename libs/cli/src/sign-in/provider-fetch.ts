// Requests to an identity provider. Its metadata and its answers are another's words: they cost a person a moment and a little memory.
//   PF1. No more than `maxBytes` of an answer are read. The deadline of its request is also that of its body.
//   PF2. Whatever address a provider names is https, or on this machine where the provider is.
import { isLoopback } from '@reins/client'
import { CommandFailure } from '../failure.ts'
import { oneLine } from '../text/neutralise.ts'

const maxBytes = 1_000_000
const maxAddressChars = 4000

/** PF2. As a browser goes to it; undefined: nobody should. */
export function providerAddress(address: string, local: boolean): string | undefined {
  const url = address.length <= maxAddressChars ? URL.parse(address) : null
  if (url?.username !== '' || url.password !== '') return undefined
  return url.protocol === 'https:' || (local && url.protocol === 'http:' && isLoopback(url.href)) ? url.href : undefined
}

/** `local`: the provider speaks http on this machine. Rejects with CommandFailure where PF1 or PF2 is broken. */
export function providerFetch(local: boolean, fetch = globalThis.fetch) {
  return async (address: string, options: object): Promise<Response> => {
    if (providerAddress(address, local) === undefined)
      throw new CommandFailure(
        `The identity provider names an address that nobody asks: ${oneLine(address).slice(0, 200)}`,
        { next: 'A provider speaks https; one on this machine may name addresses of this machine by http.' },
      )
    const response = await fetch(address, options)
    const { status, headers } = response
    const bytes = await bounded(response)
    return new Response(bytes.length === 0 ? null : bytes, { status, headers })
  }
}

/** PF1. */
async function bounded({ body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body ?? []) {
    size += part.length
    // Leaving the loop cancels what is still to come.
    if (size > maxBytes)
      throw new CommandFailure(`The identity provider answered with more than ${maxBytes} bytes.`, {
        next: 'Ask the operator of the server which identity provider REINS_OIDC_ISSUER names.',
      })
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts, size))
}
