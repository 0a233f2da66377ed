// How to sign in at a server.
import type { SignInConfig } from '@reins/contracts'
import { optional, record, text } from './answers.ts'
import type { Transport } from './transport/transport.ts'

export interface SignInCalls {
  /** Needs no token. */
  config(): Promise<SignInConfig>
}

const configForm = record({ provider: optional(record({ issuer: text, scopes: text })) })

export const signInCalls = (transport: Transport): SignInCalls => ({
  config: () => transport.json({ method: 'GET', path: '/v1/auth/config' }, configForm),
})
