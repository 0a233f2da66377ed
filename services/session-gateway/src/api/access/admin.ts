// Principals, roles and tokens, for people: kept by the registry service, read from the view of its stream.
//   AA1. Nobody gives away more than he has: what is granted, put into a role or made the scope of a token is covered by what the caller
//        may now. Nobody takes from whoever may more.
//   AA2. A token lives no longer than the one that made it.
//   AA3. The text of a token is in the answer that makes it, and nowhere else.
//   AA4. The registry sees to it that somebody is left who may everything.
import {
  type AccessReply,
  builtinRole,
  builtinRoles,
  type CreatedToken,
  type CreatePrincipal,
  type CreateToken,
  coversGrant,
  durationMs,
  type GrantBody,
  makeTokenText,
  type Principal,
  type PrincipalChange,
  type PrincipalEntry,
  type PutRole,
  permissionProblem,
  ReinsError,
  type Reply,
  type RoleInfo,
  type RoleEntry,
  serviceSubject,
  type Token,
  type TokenEntry,
  tokenIdOf,
  withFormer,
  withoutCovered,
} from '@reins/contracts'
import type { RegistryView } from '@reins/journal'
import type { Clock } from '@reins/service'
import type { GatewayConfig } from '../../ports.ts'
import { authorize, authorizeSome, type Caller, limited } from '../caller.ts'
import { operations } from '../operations.ts'
import { hashOfToken, permissionsOfRole } from './identities.ts'
import { among } from './needs.ts'

export interface AccessAdminParts extends Pick<GatewayConfig, 'call' | 'admission'> {
  readonly registry: Pick<RegistryView, 'role' | 'roles' | 'principal' | 'principals' | 'tokens' | 'token' | 'waitFor'>
  readonly clock: Clock
  /** Bytes that nobody can guess. */
  readonly randomBytes: (size: number) => Uint8Array
}

const seenWithinMs = 2000

export class AccessAdmin {
  readonly #parts: AccessAdminParts

  constructor(parts: AccessAdminParts) {
    this.#parts = parts
  }

  async createToken(caller: Caller, request: CreateToken): Promise<CreatedToken> {
    const { principal = caller.principal, label, expires } = request
    authorize(caller, operations.createToken, { principal })
    const scope = this.#scopeOf(caller, request)
    mustHave(caller, scope)
    const text = makeTokenText(this.#parts.randomBytes(32))
    const end = expires === undefined ? undefined : this.#parts.clock.now() + durationMs(expires)
    const expiresAt = Math.min(end ?? Number.POSITIVE_INFINITY, caller.expiresAt ?? Number.POSITIVE_INFINITY) // AA2
    const { entry } = await this.#ask<AccessReply['token']>('tokens.create', {
      ...{ hash: hashOfToken(text), principal, scope, by: caller.by, ...limited(caller) },
      ...(label === undefined ? {} : { label }),
      ...(Number.isFinite(expiresAt) ? { expiresAt } : {}),
    })
    return { token: tokenOf(entry), text } // AA3
  }

  /** What it says, or all that the caller has. */
  #scopeOf(caller: Caller, { permissions = [], roles = [] }: CreateToken): readonly string[] {
    if (permissions.length === 0 && roles.length === 0) return withoutCovered(caller.permissions)
    return [...new Set([...permissions, ...this.#permissionsOf(roles)])]
  }

  listTokens(caller: Caller, principal: string | undefined): readonly Token[] {
    const allowed = authorizeSome(caller, operations.listTokens, { principal })
    return this.#parts.registry
      .tokens()
      .filter((token) => principal === undefined || token.principal === principal)
      .filter((token) => among(allowed, { principal: token.principal }))
      .toSorted((a, b) => a.createdAt - b.createdAt)
      .map(tokenOf)
  }

  async revokeToken(caller: Caller, id: string): Promise<{ readonly id: string }> {
    const entry = this.#parts.registry.tokens().find(({ hash }) => tokenIdOf(hash) === id)
    if (caller.token !== id) {
      const allowed = authorizeSome(caller, operations.revokeToken)
      if (entry && !among(allowed, { principal: entry.principal }))
        authorize(caller, operations.revokeToken, { principal: entry.principal })
      // A token may no more than its scope, and than its principal.
      if (entry && entry.principal !== caller.principal && missingOf(caller, entry.scope ?? entry.permissions))
        this.#mustNotBeAbove(caller, entry.principal)
    }
    if (!entry) throw new ReinsError('token_not_found', `There is no token ${id.slice(0, 80)}.`)
    await this.#ask('tokens.revoke', { hash: entry.hash, by: caller.by })
    return { id }
  }

  listRoles(caller: Caller): readonly RoleInfo[] {
    const allowed = authorizeSome(caller, operations.listRoles)
    const own = this.#parts.registry.roles().map(roleOf)
    return [...builtins, ...own.toSorted((a, b) => (a.name < b.name ? -1 : 1))].filter(({ name }) =>
      among(allowed, { role: name }),
    )
  }

  showRole(caller: Caller, name: string): RoleInfo {
    authorize(caller, operations.showRole, { role: name })
    return builtins.find((role) => role.name === name) ?? roleOf(this.#role(name))
  }

  async putRole(caller: Caller, name: string, role: PutRole, create: boolean): Promise<RoleInfo> {
    authorize(caller, create ? operations.createRole : operations.updateRole, { role: name })
    const before = new Set(create ? [] : (this.#parts.registry.role(name)?.permissions ?? []))
    mustHave(
      caller,
      role.permissions.filter((permission) => !before.has(permission)),
    )
    const kept = new Set(role.permissions)
    if ([...before].some((permission) => !kept.has(permission)))
      mustHave(caller, [...before], `, which the role ${name} gives: nobody takes from whoever may more`)
    const { entry } = await this.#ask<AccessReply['role']>('roles.put', {
      ...{ name, ...role, create, by: caller.by, ...limited(caller) },
    })
    return roleOf(entry)
  }

  async deleteRole(caller: Caller, name: string): Promise<{ readonly name: string }> {
    authorize(caller, operations.deleteRole, { role: name })
    await this.#ask('roles.delete', { name, by: caller.by })
    return { name }
  }

  listPrincipals(caller: Caller): readonly Principal[] {
    const allowed = authorizeSome(caller, operations.listPrincipals)
    return this.#parts.registry
      .principals()
      .filter(({ name }) => among(allowed, { principal: name }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(principalOf)
  }

  showPrincipal(caller: Caller, name: string): Principal {
    authorize(caller, operations.showPrincipal, { principal: name })
    return principalOf(this.#principal(name))
  }

  async createPrincipal(caller: Caller, request: CreatePrincipal): Promise<Principal> {
    const { name, kind = 'person', roles = [], permissions = [] } = request
    authorize(caller, operations.createPrincipal, { principal: name })
    mustHave(caller, [...permissions, ...this.#permissionsOf(roles)])
    return this.#change(caller, name, { kind: 'create', as: kind, roles, permissions })
  }

  async grant(caller: Caller, name: string, { roles = [], permissions = [] }: GrantBody): Promise<Principal> {
    authorize(caller, operations.grant, { principal: name })
    mustSay(roles, permissions)
    mustHave(caller, [...permissions, ...this.#permissionsOf(roles)])
    return this.#change(caller, name, { kind: 'grant', roles, permissions })
  }

  async revokeGrant(caller: Caller, name: string, { roles = [], permissions = [] }: GrantBody): Promise<Principal> {
    authorize(caller, operations.revokeGrant, { principal: name })
    mustSay(roles, permissions)
    this.#mustNotBeAbove(caller, name)
    return this.#change(caller, name, { kind: 'revoke', roles, permissions })
  }

  async ban(caller: Caller, name: string, reason: string | undefined): Promise<Principal> {
    authorize(caller, operations.ban, { principal: name })
    this.#mustNotBeAbove(caller, name)
    return this.#change(caller, name, { kind: 'ban', ...(reason === undefined ? {} : { reason }) })
  }

  async unban(caller: Caller, name: string): Promise<Principal> {
    authorize(caller, operations.unban, { principal: name })
    this.#mustNotBeAbove(caller, name)
    return this.#change(caller, name, { kind: 'unban' })
  }

  async #change(caller: Caller, name: string, change: PrincipalChange): Promise<Principal> {
    const { entry } = await this.#ask<AccessReply['principal']>('principals.change', {
      ...{ name, change, by: caller.by, ...limited(caller) },
    })
    return principalOf(entry)
  }

  /** AA1. */
  #mustNotBeAbove(caller: Caller, name: string): void {
    const { registry } = this.#parts
    const entry = registry.principal(name)
    const may = entry ? [...entry.permissions, ...entry.roles.flatMap((role) => permissionsOfRole(role, registry))] : []
    const own = registry
      .tokens()
      .flatMap((token) => (token.principal === name && !token.scope ? token.permissions : []))
    mustHave(caller, [...may, ...own], `, which ${name} has: nobody takes from whoever may more`)
  }

  #permissionsOf(roles: readonly string[]): readonly string[] {
    return roles.flatMap((name) => builtinRole(name)?.permissions ?? this.#role(name).permissions)
  }

  #role(name: string): RoleEntry {
    const entry = this.#parts.registry.role(name)
    if (!entry) throw new ReinsError('role_not_found', `There is no role ${name.slice(0, 64)}.`)
    return entry
  }

  #principal(name: string): PrincipalEntry {
    const entry = this.#parts.registry.principal(name)
    if (!entry) throw new ReinsError('principal_not_found', `There is no principal ${name.slice(0, 193)}.`)
    return entry
  }

  async #ask<T>(verb: string, request: object): Promise<T> {
    const obstacle = this.#parts.admission?.writes()
    if (obstacle) throw obstacle
    const reply: Reply<T> = await this.#parts.call<T>(serviceSubject('registry', verb), request)
    if (!reply.ok) {
      const { code, message, details, next } = reply.error
      throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
    }
    if (reply.seq !== undefined) await this.#parts.registry.waitFor(reply.seq, seenWithinMs)
    return reply.value
  }
}

/** AA1. What permissions of before stand for is given with them. */
function mustHave(caller: Caller, permissions: readonly string[], what = ': nobody gives away more than he has'): void {
  for (const permission of permissions) {
    const problem = permissionProblem(permission)
    if (problem !== undefined)
      throw new ReinsError(
        'invalid_request',
        `${JSON.stringify(permission.slice(0, 80))} is no permission: ${problem}.`,
      )
  }
  const missing = missingOf(caller, permissions)
  if (missing !== undefined)
    throw new ReinsError('forbidden', `The token of ${caller.principal} has no permission ${missing}${what}.`, {
      details: { permission: missing },
    })
}

const missingOf = (caller: Caller, permissions: readonly string[]): string | undefined =>
  withFormer(permissions).find((permission) => !caller.permissions.some((granted) => coversGrant(granted, permission)))

function mustSay(roles: readonly string[], permissions: readonly string[]): void {
  if (roles.length === 0 && permissions.length === 0)
    throw new ReinsError('invalid_request', 'The body is not valid: name at least one role or permission.')
}

const builtins: readonly RoleInfo[] = builtinRoles.map(({ name, description, permissions }) => ({
  ...{ name, description, permissions: [...permissions], builtin: true },
}))

const roleOf = ({ name, permissions, description, createdAt, updatedAt, by }: RoleEntry): RoleInfo => ({
  ...{ name, permissions, builtin: false, createdAt, updatedAt, by },
  ...(description === undefined ? {} : { description }),
})

const principalOf = (entry: PrincipalEntry): Principal => ({ ...entry })

const tokenOf = ({ hash, principal, permissions, scope, label, createdAt, expiresAt, by }: TokenEntry): Token => ({
  ...{ id: tokenIdOf(hash), principal, permissions: [...(scope ?? permissions)], createdAt },
  ...(label === undefined ? {} : { label }),
  ...(expiresAt === undefined ? {} : { expiresAt }),
  ...(by === undefined ? {} : { by }),
})
