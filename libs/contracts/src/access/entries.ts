// Who may come in, as the registry keeps it (stream REG): principals, roles, tokens. Each record is its entity's new state.
//   AE1. A token is known by the hash of its text alone. Nothing that is kept, shown or logged holds the text.
//   AE2. A token with `scope` may what its principal may, and of that what the scope covers. One without may what `permissions` says:
//        those are the tokens of the configuration.
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

export const principalKinds = ['person', 'service'] as const
export type PrincipalKind = (typeof principalKinds)[number]
export const PrincipalKindForm = Type.Union([Type.Literal('person'), Type.Literal('service')], {
  description: 'person, or service: an account of a program',
})

/** Lower case alone: no two names look alike but for their case. */
export const principalNamePattern = '^[a-z0-9][a-z0-9._@+-]{0,63}(?::[a-z0-9._@+-]{1,128})?$'
export const PrincipalName = Type.String({
  ...{ minLength: 1, maxLength: 193, pattern: principalNamePattern },
  description: 'Lower-case letters, digits and ._@+-; a name from an issuer stands behind its name and a colon',
})
export const roleNamePattern = '^[a-z][a-z0-9-]{0,63}$'
export const RoleName = Type.String({
  ...{ minLength: 1, maxLength: 64, pattern: roleNamePattern },
  description: 'Lower-case letters, digits and hyphens, at most 64 characters',
})
export const Permission = Type.String({ minLength: 1, maxLength: 1000, description: 'Such as agent:coder:start' })
export const PermissionList = Type.Array(Permission, { maxItems: 200 })
export const RoleList = Type.Array(RoleName, { maxItems: 50 })

/** `reg.token.<hash>`: a bearer token, known by the hex sha256 of its text only. */
export const TokenEntry = Type.Object(
  {
    hash: Type.String(),
    principal: Type.String(),
    permissions: Type.Array(Type.String()),
    revoked: Type.Boolean(),
    createdAt: Type.Integer(),
    /** AE2. */
    scope: Type.Optional(Type.Array(Type.String())),
    /** epoch ms: from then on it is no token. */
    expiresAt: Type.Optional(Type.Integer()),
    /** What its maker calls it. */
    label: Type.Optional(Type.String()),
    by: Type.Optional(Type.String()),
  },
  closed,
)
export type TokenEntry = Static<typeof TokenEntry>

/** `reg.role.<name>` */
export const RoleEntry = Type.Object(
  {
    name: RoleName,
    permissions: PermissionList,
    description: Type.Optional(Type.String()),
    deleted: Type.Boolean(),
    createdAt: Type.Integer(),
    updatedAt: Type.Integer(),
    by: Type.String(),
  },
  closed,
)
export type RoleEntry = Static<typeof RoleEntry>

/** `reg.principal.<name>` */
export const PrincipalEntry = Type.Object(
  {
    name: PrincipalName,
    kind: PrincipalKindForm,
    roles: RoleList,
    permissions: PermissionList,
    /** A ban holds for everything that comes in the principal's name, however it comes. */
    banned: Type.Boolean(),
    reason: Type.Optional(Type.String()),
    createdAt: Type.Integer(),
    updatedAt: Type.Integer(),
    by: Type.String(),
  },
  closed,
)
export type PrincipalEntry = Static<typeof PrincipalEntry>

/** How a token is spoken of, where its text is not known: the beginning of its hash. */
export const tokenIdOf = (hash: string): string => hash.slice(0, 16)
