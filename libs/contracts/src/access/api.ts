// Principals, roles and tokens over the API, and the requests to the registry that keeps them.
import { type Static, Type } from 'typebox'
import {
  Permission,
  PermissionList,
  type PrincipalEntry,
  PrincipalKindForm,
  PrincipalName,
  type RoleEntry,
  RoleList,
  RoleName,
  type TokenEntry,
} from './entries.ts'

const closed = { additionalProperties: false } as const
const time = Type.Integer()
const reason = Type.String({ minLength: 1, maxLength: 300 })

export const RoleInfo = Type.Object(
  {
    name: RoleName,
    permissions: Type.Array(Permission),
    description: Type.Optional(Type.String()),
    builtin: Type.Boolean({ description: 'It is part of Reins, and cannot be changed' }),
    createdAt: Type.Optional(time),
    updatedAt: Type.Optional(time),
    by: Type.Optional(Type.String()),
  },
  closed,
)
export type RoleInfo = Static<typeof RoleInfo>
export const RoleAnswer = Type.Object({ role: RoleInfo }, closed)
export const RolesAnswer = Type.Object({ roles: Type.Array(RoleInfo) }, closed)
export const PutRole = Type.Object(
  { permissions: PermissionList, description: Type.Optional(Type.String({ maxLength: 300 })) },
  closed,
)
export type PutRole = Static<typeof PutRole>

export const Principal = Type.Object(
  {
    name: PrincipalName,
    kind: PrincipalKindForm,
    roles: Type.Array(RoleName),
    permissions: Type.Array(Permission, { description: 'Granted beside those of its roles' }),
    banned: Type.Boolean(),
    reason: Type.Optional(Type.String({ description: 'Of the ban' })),
    createdAt: time,
    updatedAt: time,
    by: Type.String(),
  },
  closed,
)
export type Principal = Static<typeof Principal>
export const PrincipalAnswer = Type.Object({ principal: Principal }, closed)
export const PrincipalsAnswer = Type.Object({ principals: Type.Array(Principal) }, closed)
export const CreatePrincipal = Type.Object(
  {
    name: PrincipalName,
    kind: Type.Optional(PrincipalKindForm),
    roles: Type.Optional(RoleList),
    permissions: Type.Optional(PermissionList),
  },
  closed,
)
export type CreatePrincipal = Static<typeof CreatePrincipal>
export const GrantBody = Type.Object(
  { roles: Type.Optional(RoleList), permissions: Type.Optional(PermissionList) },
  closed,
)
export type GrantBody = Static<typeof GrantBody>
export const BanBody = Type.Object({ reason: Type.Optional(reason) }, closed)
export type BanBody = Static<typeof BanBody>

export const Token = Type.Object(
  {
    id: Type.String({ description: 'Names the token; it is no part of it' }),
    principal: Type.String(),
    permissions: Type.Array(Permission, { description: 'What it may at most' }),
    label: Type.Optional(Type.String()),
    createdAt: time,
    expiresAt: Type.Optional(time),
    by: Type.Optional(Type.String()),
  },
  closed,
)
export type Token = Static<typeof Token>
export const TokensAnswer = Type.Object({ tokens: Type.Array(Token) }, closed)
export const CreateToken = Type.Object(
  {
    principal: Type.Optional(PrincipalName),
    permissions: Type.Optional(PermissionList),
    roles: Type.Optional(RoleList),
    expires: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,4}(s|m|h|d)$',
        description: 'Such as 30d; without it, it does not expire',
      }),
    ),
    label: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  },
  closed,
)
export type CreateToken = Static<typeof CreateToken>
/** The one time that the text of a token is shown. */
export const CreatedToken = Type.Object({ token: Token, text: Type.String() }, closed)
export type CreatedToken = Static<typeof CreatedToken>

/** Whether a principal may an action, and why. */
export const CanAnswer = Type.Object(
  {
    action: Permission,
    principal: Type.String(),
    allowed: Type.Boolean(),
    because: Type.Array(
      Type.Object(
        {
          grant: Permission,
          from: Type.String({ description: 'role <name>, grant, or token' }),
        },
        closed,
      ),
      { description: 'What covers the action' },
    ),
    why: Type.String(),
    next: Type.Optional(Type.String()),
  },
  closed,
)
export type CanAnswer = Static<typeof CanAnswer>

/**
 * Requests on `svc.registry.<verb>`; the reply is a `Reply`. The gateway has checked what its caller may give away; the registry keeps
 * the way in open: it refuses (last_admin) what would leave nobody who may everything.
 *   roles.put         { name, permissions, description?, create, by } -> { entry }
 *   roles.delete      { name, by } -> { name }
 *   principals.change { name, change, by } -> { entry }
 *   tokens.create     { hash, principal, scope, label?, expiresAt?, by } -> { entry }
 *   tokens.revoke     { hash, by } -> { hash }
 */
/** Of each kind of what is kept for ever: one principal that may not do everything makes so many in a day. */
export const maxMadeInADay = 2000
/** Whether that counts for who asks. */
const limited = Type.Optional(Type.Boolean())
export const PutRoleRequest = Type.Object(
  { name: RoleName, ...PutRole.properties, create: Type.Boolean(), by: Type.String(), limited },
  closed,
)
export type PutRoleRequest = Static<typeof PutRoleRequest>
export const PrincipalChange = Type.Union([
  Type.Object(
    { kind: Type.Literal('create'), as: PrincipalKindForm, roles: RoleList, permissions: PermissionList },
    closed,
  ),
  Type.Object({ kind: Type.Literal('grant'), roles: RoleList, permissions: PermissionList }, closed),
  Type.Object({ kind: Type.Literal('revoke'), roles: RoleList, permissions: PermissionList }, closed),
  Type.Object({ kind: Type.Literal('ban'), reason: Type.Optional(reason) }, closed),
  Type.Object({ kind: Type.Literal('unban') }, closed),
])
export type PrincipalChange = Static<typeof PrincipalChange>
export const ChangePrincipalRequest = Type.Object(
  { name: PrincipalName, change: PrincipalChange, by: Type.String(), limited },
  closed,
)
export type ChangePrincipalRequest = Static<typeof ChangePrincipalRequest>
export const CreateTokenRequest = Type.Object(
  {
    hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    principal: PrincipalName,
    scope: PermissionList,
    label: Type.Optional(Type.String()),
    expiresAt: Type.Optional(Type.Integer({ minimum: 0 })),
    by: Type.String(),
    limited,
  },
  closed,
)
export type CreateTokenRequest = Static<typeof CreateTokenRequest>
export interface AccessReply {
  readonly role: { readonly entry: RoleEntry }
  readonly principal: { readonly entry: PrincipalEntry }
  readonly token: { readonly entry: TokenEntry }
}
