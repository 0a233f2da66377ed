// Principals, roles, tokens, and what one may. Decode, call, encode.
import {
  BanBody,
  CanAnswer,
  CreatedToken,
  CreatePrincipal,
  CreateToken,
  GrantBody,
  PrincipalAnswer,
  PrincipalName,
  PrincipalsAnswer,
  PutRole,
  RoleAnswer,
  RoleName,
  RolesAnswer,
  TokensAnswer,
} from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { json, type Route, route } from '../route.ts'

const closed = { additionalProperties: false } as const
const role = Type.Object({ name: RoleName }, closed)
const principal = Type.Object({ name: PrincipalName }, closed)
const WhoAmI = Type.Object(
  {
    principal: Type.String(),
    name: Type.Optional(Type.String({ description: 'What people call the principal, where that is another' })),
    kind: Type.String(),
    roles: Type.Array(Type.String()),
    permissions: Type.Array(Type.String()),
    token: Type.Optional(Type.String()),
    expiresAt: Type.Optional(Type.Integer()),
  },
  closed,
)

export function accessRoutes({ access }: Pick<Api, 'access'>): readonly Route[] {
  return [
    route({
      ...operations.createToken,
      method: 'POST',
      path: '/v1/tokens',
      body: CreateToken,
      answers: { 201: CreatedToken },
      handle: async ({ body, caller }) =>
        json(201, await access.admin.createToken(caller, body), { 'cache-control': 'no-store' }),
    }),
    route({
      ...operations.listTokens,
      method: 'GET',
      path: '/v1/tokens',
      query: Type.Object({ principal: Type.Optional(PrincipalName) }, closed),
      answers: { 200: TokensAnswer },
      handle: async ({ query, caller }) => json(200, { tokens: access.admin.listTokens(caller, query.principal) }),
    }),
    route({
      ...operations.revokeToken,
      // Anybody may give up the token that the request comes with: what else is needed is asked for with the token in hand.
      needs: [],
      method: 'DELETE',
      path: '/v1/tokens/:id',
      params: Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{16}$' }) }, closed),
      answers: { 200: Type.Object({ id: Type.String() }, closed) },
      handle: async ({ params: { id }, caller }) => json(200, await access.admin.revokeToken(caller, id)),
    }),
    route({
      ...operations.listRoles,
      method: 'GET',
      path: '/v1/roles',
      answers: { 200: RolesAnswer },
      handle: async ({ caller }) => json(200, { roles: access.admin.listRoles(caller) }),
    }),
    route({
      ...operations.showRole,
      method: 'GET',
      path: '/v1/roles/:name',
      params: role,
      answers: { 200: RoleAnswer },
      handle: async ({ params: { name }, caller }) => json(200, { role: access.admin.showRole(caller, name) }),
    }),
    route({
      ...operations.createRole,
      method: 'POST',
      path: '/v1/roles/:name',
      params: role,
      body: PutRole,
      answers: { 201: RoleAnswer },
      handle: async ({ params: { name }, body, caller }) =>
        json(201, { role: await access.admin.putRole(caller, name, body, true) }),
    }),
    route({
      ...operations.updateRole,
      method: 'PUT',
      path: '/v1/roles/:name',
      params: role,
      body: PutRole,
      answers: { 200: RoleAnswer },
      handle: async ({ params: { name }, body, caller }) =>
        json(200, { role: await access.admin.putRole(caller, name, body, false) }),
    }),
    route({
      ...operations.deleteRole,
      method: 'DELETE',
      path: '/v1/roles/:name',
      params: role,
      answers: { 200: Type.Object({ name: Type.String() }, closed) },
      handle: async ({ params: { name }, caller }) => json(200, await access.admin.deleteRole(caller, name)),
    }),
    route({
      ...operations.listPrincipals,
      method: 'GET',
      path: '/v1/principals',
      answers: { 200: PrincipalsAnswer },
      handle: async ({ caller }) => json(200, { principals: access.admin.listPrincipals(caller) }),
    }),
    route({
      ...operations.showPrincipal,
      method: 'GET',
      path: '/v1/principals/:name',
      params: principal,
      answers: { 200: PrincipalAnswer },
      handle: async ({ params: { name }, caller }) =>
        json(200, { principal: access.admin.showPrincipal(caller, name) }),
    }),
    route({
      ...operations.createPrincipal,
      method: 'POST',
      path: '/v1/principals',
      body: CreatePrincipal,
      answers: { 201: PrincipalAnswer },
      handle: async ({ body, caller }) => json(201, { principal: await access.admin.createPrincipal(caller, body) }),
    }),
    route({
      ...operations.grant,
      method: 'POST',
      path: '/v1/principals/:name/grant',
      params: principal,
      body: GrantBody,
      answers: { 200: PrincipalAnswer },
      handle: async ({ params: { name }, body, caller }) =>
        json(200, { principal: await access.admin.grant(caller, name, body) }),
    }),
    route({
      ...operations.revokeGrant,
      method: 'POST',
      path: '/v1/principals/:name/revoke',
      params: principal,
      body: GrantBody,
      answers: { 200: PrincipalAnswer },
      handle: async ({ params: { name }, body, caller }) =>
        json(200, { principal: await access.admin.revokeGrant(caller, name, body) }),
    }),
    route({
      ...operations.ban,
      method: 'POST',
      path: '/v1/principals/:name/ban',
      params: principal,
      body: BanBody,
      answers: { 200: PrincipalAnswer },
      handle: async ({ params: { name }, body, caller }) =>
        json(200, { principal: await access.admin.ban(caller, name, body.reason) }),
    }),
    route({
      ...operations.unban,
      method: 'POST',
      path: '/v1/principals/:name/unban',
      params: principal,
      answers: { 200: PrincipalAnswer },
      handle: async ({ params: { name }, caller }) => json(200, { principal: await access.admin.unban(caller, name) }),
    }),
    route({
      ...operations.whoAmI,
      method: 'GET',
      path: '/v1/access/me',
      answers: { 200: WhoAmI },
      handle: async ({ caller }) => json(200, access.whoAmI(caller)),
    }),
    route({
      ...operations.explainAccess,
      method: 'GET',
      path: '/v1/access/can',
      query: Type.Object(
        { action: Type.String({ minLength: 1, maxLength: 1000 }), principal: Type.Optional(PrincipalName) },
        closed,
      ),
      answers: { 200: CanAnswer },
      handle: async ({ query: { action, principal: as }, caller }) => json(200, access.can(caller, action, as)),
    }),
  ]
}
