// The identity provider, over openid-client: discovery, the device flow, the authorization code with PKCE, refresh and revocation.
//   PR1. State and nonce are made for each sign-in and checked when the answer comes; the code is worth nothing without its verifier. A
//        provider that says it checks no verifier is trusted with a nonce alone: else a code of somebody else's could be slipped in.
//   PR4. What has not the state of this sign-in, or says that another provider has sent it (RFC 9207), is no answer to it.
//   PR2. A provider speaks https, unless it is on this machine. Each request to it has a deadline.
//   PR3. openid-client is loaded when somebody signs in or refreshes: no other command waits for it.
import { isLoopback } from '@reins/client'
import type { IdentityProvider } from '@reins/contracts'
import type { Configuration, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import { CommandFailure } from '../failure.ts'
import { oneLine } from '../text/neutralise.ts'
import type { ProviderClient, Tokens } from './ports.ts'

type Answer = TokenEndpointResponse & TokenEndpointResponseHelpers

/** s */
const answerWithin = 15
/** Where the provider does not say how long a token is good, s. */
const usualLifetime = 300

/** `now`: epoch ms. Rejects with CommandFailure. */
export async function openProvider(provider: IdentityProvider, now: () => number): Promise<ProviderClient> {
  const { issuer, clientId, scopes: scope, parameters } = provider
  if (clientId === undefined)
    throw new CommandFailure('The server does not say as which client reins may sign in.', {
      next: 'Ask its operator to set REINS_OIDC_CLIENT_ID, or give a token with REINS_TOKEN.',
    })
  const oidc = await import('openid-client') // PR3
  const local = issuer.startsWith('http:') && isLoopback(issuer)
  const config = await asked(issuer, () =>
    oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
      timeout: answerWithin,
      ...(local ? { execute: [oidc.allowInsecureRequests] } : {}), // PR2
    }),
  )
  const words = scope.split(/\s+/)
  // A provider gives a refresh token to somebody who agrees to it (OpenID Connect Core, 11).
  const prompt = words.includes('offline_access') ? { prompt: 'consent' } : {}
  return {
    async device(signal) {
      const response = await asked(issuer, () => oidc.initiateDeviceAuthorization(config, { scope, ...parameters }))
      return {
        userCode: response.user_code,
        page: response.verification_uri,
        ...(response.verification_uri_complete === undefined
          ? {}
          : { pageWithCode: response.verification_uri_complete }),
        tokens: async (stop) => {
          const both = AbortSignal.any([signal, stop])
          const poll = () => oidc.pollDeviceAuthorizationGrant(config, response, parameters, { signal: both })
          return tokensOf(await asked(issuer, poll), now())
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
          return tokensOf(await asked(issuer, grant), now())
        },
      }
    },
    async refresh(refreshToken) {
      try {
        return tokensOf(await oidc.refreshTokenGrant(config, refreshToken, parameters), now())
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

function tokensOf(answer: Answer, now: number): Tokens {
  const claims = answer.claims()
  const name = [claims?.email, claims?.preferred_username, claims?.name].find((one) => typeof one === 'string')
  return {
    accessToken: answer.access_token,
    ...(answer.refresh_token === undefined ? {} : { refreshToken: answer.refresh_token }),
    expiresAt: now + (answer.expiresIn() ?? usualLifetime) * 1000,
    ...(typeof name === 'string' ? { name } : {}),
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
  const code = codeOf(error)
  const told = error instanceof Error && 'error_description' in error ? error.error_description : undefined
  const more = typeof told === 'string' ? `: ${oneLine(told).slice(0, 300)}` : ''
  if (code === 'access_denied') return new CommandFailure(`The sign-in was refused at ${issuer}${more}.`)
  if (code === 'expired_token')
    return new CommandFailure('The code has expired before anybody signed in with it.', {
      next: 'Run it again: reins auth login --device',
    })
  if (code !== undefined && /^[A-Z]{2,}[A-Z_]*$/.test(code) && !code.startsWith('OAUTH_'))
    return new CommandFailure(`The identity provider ${issuer} cannot be reached (${code}).`, {
      next: 'Check the network, and run the command again.',
    })
  const why = error instanceof Error ? error.message : String(error)
  return new CommandFailure(
    `The identity provider ${issuer} did not give a token (${code ?? 'error'}): ${why}${more}.`,
    {
      next: 'Check the settings of the client at the provider. docs/auth.md says what it needs.',
    },
  )
}

/** Of OAuth (`error`), or of the system, however deep it lies. */
function codeOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined
  if ('error' in error && typeof error.error === 'string') return error.error
  const below = 'cause' in error ? codeOf(error.cause, depth + 1) : undefined
  return below ?? ('code' in error && typeof error.code === 'string' ? error.code : undefined)
}
