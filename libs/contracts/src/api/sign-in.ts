// How people sign in at this server.
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

/** What a program needs to know in order to get a token for this server from its identity provider. */
export const IdentityProvider = Type.Object(
  {
    issuer: Type.String(),
    clientId: Type.Optional(Type.String({ description: 'Of the command line. Absent: it cannot sign in by itself' })),
    scopes: Type.String({ description: 'With blanks between them' }),
    parameters: Type.Record(Type.String(), Type.String(), { description: 'Sent along with each request for a token' }),
  },
  closed,
)
export type IdentityProvider = Static<typeof IdentityProvider>

/** `provider` is absent where the server knows tokens of its own alone. */
export const SignInConfig = Type.Object({ provider: Type.Optional(IdentityProvider) }, closed)
export type SignInConfig = Static<typeof SignInConfig>

/** RFC 9728. */
export const ProtectedResource = Type.Object(
  {
    resource: Type.String(),
    authorization_servers: Type.Array(Type.String()),
    scopes_supported: Type.Array(Type.String()),
    bearer_methods_supported: Type.Array(Type.String()),
    resource_name: Type.String(),
  },
  closed,
)
