// How to sign in at this server, for programs that have no token yet.
import { ProtectedResource, ReinsError, SignInConfig } from '@reins/contracts'
import type { OidcSettings } from '../../../access/oidc/settings.ts'
import { operations } from '../../../api/operations.ts'
import { calledAddress, resourcePath } from '../challenge.ts'
import { json, type Route, route } from '../route.ts'

export function signInRoutes(oidc: OidcSettings | undefined): readonly Route[] {
  return [
    route({
      ...operations.signInConfig,
      method: 'GET',
      path: '/v1/auth/config',
      answers: { 200: SignInConfig },
      handle: async () => json(200, signInConfig(oidc)),
    }),
    route({
      ...operations.protectedResource,
      method: 'GET',
      path: resourcePath,
      answers: { 200: ProtectedResource },
      handle: async ({ headers }) => {
        if (!oidc)
          throw new ReinsError('not_found', 'This server has no identity provider: it knows tokens of its own alone.')
        return json(200, {
          resource: calledAddress(headers),
          authorization_servers: [oidc.issuer],
          scopes_supported: oidc.scopes.split(/\s+/).filter((scope) => scope !== ''),
          bearer_methods_supported: ['header'],
          resource_name: 'Reins',
        })
      },
    }),
  ]
}

function signInConfig(oidc: OidcSettings | undefined): SignInConfig {
  if (!oidc) return {}
  const { issuer, clientId, scopes, loginParameters } = oidc
  return {
    provider: { issuer, ...(clientId === undefined ? {} : { clientId }), scopes, parameters: { ...loginParameters } },
  }
}
