// The identity provider, over openid-client: discovery, the device flow, the authorization code with PKCE, refresh and revocation.
//   PR1. State and nonce are made for each sign-in and checked when the answer comes; the code is worth nothing without its verifier. A
//        provider that says it checks no verifier is trusted with a nonce alone: else a code of somebody else's could be slipped in.
//   PR4. What has not the state of this sign-in, or says that another provider has sent it (RFC 9207), is no answer to it.
//   PR2. A provider speaks https, unless it is on this machine. Each request to it has a deadline, and each answer an end.
//   PR3. openid-client is loaded when somebody signs in or refreshes: no other command waits for it.
import { isLoopback } from '@reins/client'
import type { IdentityProvider } from '@reins/contracts'
import type { Configuration, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import { CommandFailure } from '../failure.ts'
import { oneLine } from '../text/neutralise.ts'
import type { ProviderClient, Tokens } from './ports.ts'
import { checkedToken, codeLifetime, pollInterval, shownCode, tokenLifetime } from './provider-answers.ts'
import { providerFetch } from './provider-fetch.ts'

type Answer = TokenEndpointResponse & TokenEndpointResponseHelpers

/** s */
const answerWithin = 15
/** Where the provider does not say how long a token is good, s. */
const usualLifetime = 300
/** Of another's words, in characters. */
const maxShown = 300

/** `now`: epoch ms. Rejects with CommandFailure. */
export async function openProvider(provider: IdentityProvider, now: () => number): Promise<ProviderClient> {
  const { clientId, scopes: scope, parameters } = provider
  const issuer = oneLine(provider.issuer)
  if (clientId === undefined)
    throw new CommandFailure('The server does not say as which client reins may sign in.', {
      next: 'Ask its operator to set REINS_OIDC_CLIENT_ID, or give a token with REINS_TOKEN.',
    })
  const oidc = await import('openid-client') // PR3
  const local = issuer.startsWith('http:') && isLoopback(issuer)
  const config = await asked(issuer, () =>
    oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
      timeout: answerWithin,
      [oidc.customFetch]: providerFetch(local),
      ...(local ? { execute: [oidc.allowInsecureRequests] } : {}), // PR2
    }),
  )
  const words = scope.split(/\s+/)
  // A provider gives a refresh token to somebody who agrees to it (OpenID Connect Core, 11).
  const prompt = words.includes('offline_access') ? { prompt: 'consent' } : {}
  return {
    async device(signal) {
      const response = await asked(issuer, () => oidc.initiateDeviceAuthorization(config, { scope, ...parameters }))
      const paced = { ...response, interval: pollInterval(response.interval) }
      const over = AbortSignal.timeout(Math.ceil(codeLifetime(response.expires_in) * 1000))
      return {
        ...shownCode(issuer, response, local),
        tokens: async (stop) => {
          const any = AbortSignal.any([signal, stop, over])
          const poll = () => oidc.pollDeviceAuthorizationGrant(config, paced, parameters, { signal: any })
          try {
            return tokensOf(issuer, await asked(issuer, poll), now())
          } catch (error) {
            throw over.aborted && !signal.aborted && !stop.aborted ? codeExpired() : error
          }
        },
      }
    },
    async browser(returnTo) {
      const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
      const expectedState = oidc.randomState()
      const nonce = words.includes('openid') ? oidc.randomNonce() : undefined
      const server = config.serverMetadata()
      if (nonce === undefined && !server.supportsPKCE('S256') && server.code_challenge_methods_supported !== undefined)
        throw new CommandFailure(
          `The identity provider ${issuer} does not check who began a sign-in (PKCE with S256).`,
          {
            next: 'Ask the operator of the server to have openid among REINS_OIDC_SCOPES, or sign in with a code: reins auth login --device',
          },
        )
      const page = oidc.buildAuthorizationUrl(config, {
        ...{ redirect_uri: returnTo, scope, state: expectedState, ...prompt, ...parameters },
        code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        ...(nonce === undefined ? {} : { nonce }),
      })
      const checks = { pkceCodeVerifier, expectedState, ...(nonce === undefined ? {} : { expectedNonce: nonce }) } // PR1
      return {
        page: page.href,
        fits: (answer) => isAnswer(answer, expectedState, server),
        tokens: async (answer) => {
          const grant = () => oidc.authorizationCodeGrant(config, answer, checks, parameters)
          return tokensOf(issuer, await asked(issuer, grant), now())
        },
      }
    },
    async refresh(refreshToken) {
      try {
        return tokensOf(issuer, await oidc.refreshTokenGrant(config, refreshToken, parameters), now())
      } catch (error) {
        if (codeOf(error) === 'invalid_grant') return 'ended'
        throw failureOf(issuer, error)
      }
    },
    async revoke(token) {
      if (config.serverMetadata().revocation_endpoint === undefined) return false
      return oidc.tokenRevocation(config, token).then(
        () => true,
        () => false,
      )
    },
  }
}

/** PR4. Each parameter once: of two that differ, one reader would take the first and one the last. */
function isAnswer({ searchParams }: URL, state: string, server: ReturnType<Configuration['serverMetadata']>): boolean {
  const once = (name: string): string | undefined => {
    const all = searchParams.getAll(name)
    return all.length === 1 ? all[0] : undefined
  }
  const issuers = searchParams.getAll('iss')
  const sender =
    issuers.length === 0 ? !server.authorization_response_iss_parameter_supported : once('iss') === server.issuer
  return sender && once('state') === state && (once('code') === undefined) !== (once('error') === undefined)
}

export type { Configuration }

function tokensOf(issuer: string, answer: Answer, now: number): Tokens {
  const claims = answer.claims()
  const name = [claims?.email, claims?.preferred_username, claims?.name].find((one) => typeof one === 'string')
  return {
    accessToken: checkedToken(issuer, answer.access_token),
    ...(answer.refresh_token === undefined ? {} : { refreshToken: checkedToken(issuer, answer.refresh_token) }),
    expiresAt: now + tokenLifetime(answer.expiresIn() ?? usualLifetime) * 1000,
    ...(typeof name === 'string' ? { name: oneLine(name).slice(0, maxShown) } : {}),
  }
}

async function asked<T>(issuer: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw failureOf(issuer, error)
  }
}

function failureOf(issuer: string, error: unknown): CommandFailure {
  const own = ownFailure(error)
  if (own) return own
  const code = codeOf(error)
  const told = error instanceof Error && 'error_description' in error ? error.error_description : undefined
  const more = typeof told === 'string' ? `: ${shown(told)}` : ''
  if (code === 'access_denied') return new CommandFailure(`The sign-in was refused at ${issuer}${more}.`)
  if (code === 'expired_token') return codeExpired()
  if (code !== undefined && /^[A-Z]{2,}[A-Z_]*$/.test(code) && !code.startsWith('OAUTH_'))
    return new CommandFailure(`The identity provider ${issuer} cannot be reached (${code}).`, {
      next: 'Check the network, and run the command again.',
    })
  const why = error instanceof Error ? error.message : String(error)
  return new CommandFailure(
    `The identity provider ${issuer} did not give a token (${shown(code ?? 'error')}): ${shown(why)}${more}.`,
    {
      next: 'Check the settings of the client at the provider. docs/auth.md says what it needs.',
    },
  )
}

const shown = (text: string): string => oneLine(text.slice(0, 10 * maxShown)).slice(0, maxShown)

const codeExpired = (): CommandFailure =>
  new CommandFailure('The code has expired before anybody signed in with it.', {
    next: 'Run it again: reins auth login --device',
  })

/** What we have refused ourselves, below what the library makes of it. */
function ownFailure(error: unknown, depth = 0): CommandFailure | undefined {
  if (error instanceof CommandFailure) return error
  return error instanceof Error && depth < 5 ? ownFailure(error.cause, depth + 1) : undefined
}

/** Of OAuth (`error`), or of the system, however deep it lies. */
function codeOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined
  if ('error' in error && typeof error.error === 'string') return error.error
  const below = 'cause' in error ? codeOf(error.cause, depth + 1) : undefined
  return below ?? ('code' in error && typeof error.code === 'string' ? error.code : undefined)
}
