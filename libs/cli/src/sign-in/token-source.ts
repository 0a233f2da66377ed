// Which token a command sends, and where it comes from.
//   TS1. What was given for this run wins over what is there: --token, REINS_TOKEN, FLUX_AUTH_TOKEN; then the sign-in at this server;
//        then, for a server on this machine, the admin token of its data folder.
//   TS2. A sign-in is for the server that it was made at, and is sent to no other.
//   TS3. A token that is about to end is refreshed, by one process at a time: whoever waited for that takes what the other got.
import { isLoopback } from '@reins/client'
import { ReinsError } from '@reins/contracts'
import type { CliContext } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import type { SignedIn } from './ports.ts'

export type TokenSource =
  | { readonly kind: 'given'; readonly by: '--token' | 'REINS_TOKEN' | 'FLUX_AUTH_TOKEN'; readonly token: string }
  | { readonly kind: 'signed-in'; readonly signedIn: SignedIn; current(): Promise<string> }
  | { readonly kind: 'admin'; readonly token: string }
  | { readonly kind: 'none' }

type Parts = Pick<CliContext, 'env' | 'readAdminToken' | 'signIn' | 'now'>

export async function tokenSource(parts: Parts, server: string, flag: string | undefined): Promise<TokenSource> {
  const { env } = parts
  if (flag !== undefined) return { kind: 'given', by: '--token', token: flag }
  if (env.token !== undefined) return { kind: 'given', by: 'REINS_TOKEN', token: env.token }
  if (env.fluxToken !== undefined) return { kind: 'given', by: 'FLUX_AUTH_TOKEN', token: env.fluxToken }
  const signedIn = await parts.signIn?.credentials.read(server) // TS2
  if (signedIn) return { kind: 'signed-in', signedIn, current: () => currentToken(parts, server) }
  const admin = isLoopback(server) ? await parts.readAdminToken() : undefined
  return admin === undefined ? { kind: 'none' } : { kind: 'admin', token: admin }
}

/** As it is, or refreshed. Rejects with a ReinsError where the sign-in has ended. */
async function currentToken({ signIn, now }: Parts, server: string): Promise<string> {
  const stored = await signIn?.credentials.read(server)
  if (!signIn || !stored) throw ended(server, 'You have signed out meanwhile.')
  if (!isEnding(stored, now())) return stored.accessToken
  return signIn.credentials.alone(server, async () => {
    const latest = await signIn.credentials.read(server) // TS3
    if (!latest) throw ended(server, 'You have signed out meanwhile.')
    if (!isEnding(latest, now())) return latest.accessToken
    if (latest.refreshToken === undefined) {
      if (latest.expiresAt > now()) return latest.accessToken
      throw ended(server, 'It has expired.')
    }
    const refreshed = await refresh(signIn, latest, latest.refreshToken, now)
    if (refreshed === 'kept') return latest.accessToken
    if (refreshed === 'ended') {
      await signIn.credentials.remove(server)
      throw ended(server, 'The identity provider does not prolong it.')
    }
    await signIn.credentials.write(refreshed)
    return refreshed.accessToken
  })
}

/** `kept`: the provider cannot be asked, and the token is still good. */
async function refresh(
  signIn: NonNullable<CliContext['signIn']>,
  latest: SignedIn,
  refreshToken: string,
  now: () => number,
): Promise<SignedIn | 'ended' | 'kept'> {
  try {
    const provider = await signIn.provider(latest.provider)
    const tokens = await provider.refresh(refreshToken)
    if (tokens === 'ended') return 'ended'
    return { ...latest, issuedAt: now(), ...tokens }
  } catch (error) {
    if (latest.expiresAt > now()) return 'kept'
    if (!(error instanceof CommandFailure)) throw error
    throw new ReinsError('unavailable', error.message, error.next === undefined ? {} : { next: error.next })
  }
}

/** Within half a minute of its end; of a short one in its last third. */
export const isEnding = ({ issuedAt, expiresAt }: SignedIn, now: number): boolean =>
  expiresAt - now < Math.min(30_000, (expiresAt - issuedAt) / 3)

const ended = (server: string, why: string): ReinsError =>
  new ReinsError('unauthorized', `Your sign-in at ${server} has ended. ${why}`, {
    next: 'Sign in again: reins auth login',
  })
