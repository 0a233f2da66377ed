// Principals, roles and tokens: which record follows from a request, given what REG says now. Whether its caller may ask for it is the
// gateway's to know.
//   AC1. A state changes only from the state that was decided on: a refused write is decided again.
//   AC2. One change at a time: whether an admin is left (admins.ts) is decided on all records, and two changes that are each harmless may
//        not be so together.
//   AC3. A token that was revoked stays revoked; a principal is never forgotten, so that a name is never given to somebody else.
import {
  builtinRole,
  type ChangePrincipalRequest,
  type CreateTokenRequest,
  type DenialEntry,
  type PrincipalChange,
  type PrincipalEntry,
  type PutRoleRequest,
  permissionProblem,
  ReinsError,
  type RoleEntry,
  type TokenEntry,
} from '@reins/contracts'
import { parsePrincipal, parseRole, parseToken } from '@reins/journal'
import { mustHaveRoom } from '../made-in-a-day.ts'
import type { RegistryLog } from '../registry-log.ts'
import { type AccessState, hasAdmin } from './admins.ts'

export interface AccessOptions {
  readonly log: RegistryLog
  readonly now: () => number
}

interface Written<Entry> {
  readonly value: { readonly entry: Entry }
  readonly seq: number
}

const attempts = 20

export class AccessEntries {
  readonly #log: RegistryLog
  readonly #now: () => number
  #tail: Promise<unknown> = Promise.resolve()

  constructor({ log, now }: AccessOptions) {
    this.#log = log
    this.#now = now
  }

  putRole({ name, permissions, description, create, by, limited }: PutRoleRequest): Promise<Written<RoleEntry>> {
    mustBeOurs(name)
    mustBePermissions(permissions)
    return this.#change('role', name, parseRole, (before, { roles }) => {
      if (!before && limited) mustHaveRoom('roles', roles, by, this.#now())
      const alive = before?.deleted === false ? before : undefined
      if (create && alive) throw new ReinsError('role_exists', `There is a role ${name} already.`)
      if (!create && !alive) throw noRole(name)
      const now = this.#now()
      const said = description ?? alive?.description
      return {
        ...{ name, permissions: [...new Set(permissions)], deleted: false },
        ...(said === undefined ? {} : { description: said }),
        ...{ createdAt: alive?.createdAt ?? now, updatedAt: now, by },
      }
    })
  }

  deleteRole(name: string, by: string): Promise<Written<RoleEntry>> {
    mustBeOurs(name)
    return this.#change('role', name, parseRole, (before, { principals }) => {
      if (!before || before.deleted) throw noRole(name)
      const holders = principals.filter(({ roles }) => roles.includes(name)).map((principal) => principal.name)
      if (holders.length > 0)
        throw new ReinsError(
          'role_in_use',
          `The role ${name} is held by ${holders.slice(0, 10).join(', ')}${holders.length > 10 ? ` and ${holders.length - 10} more` : ''}.`,
        )
      return { ...before, deleted: true, updatedAt: this.#now(), by }
    })
  }

  changePrincipal({ name, change, by, limited }: ChangePrincipalRequest): Promise<Written<PrincipalEntry>> {
    return this.#change('principal', name, parsePrincipal, (before, { roles, principals }) => {
      if (!before && limited) mustHaveRoom('principals', principals, by, this.#now())
      if ('roles' in change && change.kind !== 'revoke') {
        mustBePermissions(change.permissions)
        const alive = new Set(roles.filter(({ deleted }) => !deleted).map((role) => role.name))
        for (const role of change.roles) if (!builtinRole(role) && !alive.has(role)) throw noRole(role)
      }
      return { ...changed(name, before, change, this.#now()), updatedAt: this.#now(), by }
    })
  }

  createToken({
    hash,
    principal,
    scope,
    label,
    expiresAt,
    by,
    limited,
  }: CreateTokenRequest): Promise<Written<TokenEntry>> {
    mustBePermissions(scope)
    return this.#change('token', hash, parseToken, (before, { principals, tokens }) => {
      if (limited) mustHaveRoom('tokens', tokens, by, this.#now())
      if (before) throw new ReinsError('internal', 'A token with this hash was made before.')
      if (!principals.some(({ name }) => name === principal)) throw noPrincipal(principal)
      return {
        ...{ hash, principal, permissions: [], scope: [...scope], revoked: false, createdAt: this.#now(), by },
        ...(label === undefined ? {} : { label }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }
    })
  }

  revokeToken(hash: string, by: string): Promise<Written<TokenEntry>> {
    return this.#change('token', hash, parseToken, (before) => {
      if (!before || before.revoked)
        throw new ReinsError('token_not_found', 'There is no such token, or it is revoked already.')
      return { ...before, revoked: true, by }
    })
  }

  /** Appended, each to the others of its kind. Who comes between two of them changes nothing of what they say. */
  async recordDenials(denials: readonly DenialEntry[]): Promise<{ readonly value: { readonly recorded: number } }> {
    let recorded = 0
    for (const denial of denials) {
      const name = `${denial.principal} ${denial.operation}`
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const after = (await this.#log.last('denial', name))?.seq ?? 0
        if ((await this.#log.write('denial', name, denial, after)).kind !== 'written') continue
        recorded++
        break
      }
    }
    return { value: { recorded } }
  }

  /** AC1, AC2. */
  #change<Kind extends 'role' | 'principal' | 'token', Entry>(
    kind: Kind,
    name: string,
    parse: (value: unknown) => Entry | undefined,
    decide: (before: Entry | undefined, state: AccessState) => Entry,
  ): Promise<Written<Entry>> {
    const mine = this.#tail.then(() => this.#decided(kind, name, parse, decide))
    this.#tail = mine.catch(() => undefined)
    return mine
  }

  async #decided<Kind extends 'role' | 'principal' | 'token', Entry>(
    kind: Kind,
    name: string,
    parse: (value: unknown) => Entry | undefined,
    decide: (before: Entry | undefined, state: AccessState) => Entry,
  ): Promise<Written<Entry>> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const record = await this.#log.last(kind, name)
      const before = parse(record?.value)
      const state = await this.#state()
      const entry = decide(before, state)
      if (hasAdmin(state) && !hasAdmin(withEntry(state, kind, entry))) throw new ReinsError('last_admin')
      const written = await this.#log.write(kind, name, entry, record?.seq ?? 0)
      if (written.kind === 'written') return { value: { entry }, seq: written.seq }
    }
    throw new ReinsError('unavailable', `${name} was changed by others ${attempts} times while this was tried.`)
  }

  async #state(): Promise<AccessState> {
    const [principals, roles, tokens] = await Promise.all([
      this.#all('principal', parsePrincipal),
      this.#all('role', parseRole),
      this.#all('token', parseToken),
    ])
    return { principals, roles, tokens }
  }

  async #all<Entry>(kind: 'role' | 'principal' | 'token', parse: (value: unknown) => Entry | undefined) {
    return [...(await this.#log.all(kind)).values()].flatMap(({ value }) => parse(value) ?? [])
  }
}

/** Pure. What the principal is after the change. */
function changed(name: string, before: PrincipalEntry | undefined, change: PrincipalChange, now: number) {
  const none = { name, kind: 'person' as const, roles: [], permissions: [], banned: false, createdAt: now }
  if (change.kind === 'create') {
    if (before) throw new ReinsError('principal_exists', `There is a principal ${name} already.`)
    return {
      ...none,
      kind: change.as,
      roles: [...new Set(change.roles)],
      permissions: [...new Set(change.permissions)],
    }
  }
  // Whoever comes by an issuer can be banned before anything was granted here.
  if (change.kind === 'ban') return { ...(before ?? none), banned: true, ...reasonOf(change.reason) }
  if (!before) throw noPrincipal(name)
  if (change.kind === 'unban') {
    const { reason: _, ...rest } = before
    return { ...rest, banned: false }
  }
  const { roles, permissions } = change
  if (change.kind === 'grant')
    return {
      ...before,
      roles: [...new Set([...before.roles, ...roles])],
      permissions: [...new Set([...before.permissions, ...permissions])],
    }
  return {
    ...before,
    roles: before.roles.filter((role) => !roles.includes(role)),
    permissions: before.permissions.filter((permission) => !permissions.includes(permission)),
  }
}

const reasonOf = (reason: string | undefined) => (reason === undefined ? {} : { reason })

function withEntry(state: AccessState, kind: 'role' | 'principal' | 'token', entry: unknown): AccessState {
  const put = <E>(all: readonly E[], one: E, idOf: (entry: E) => string): readonly E[] => [
    ...all.filter((other) => idOf(other) !== idOf(one)),
    one,
  ]
  if (kind === 'role') return { ...state, roles: put(state.roles, entry as RoleEntry, ({ name }) => name) }
  if (kind === 'principal')
    return { ...state, principals: put(state.principals, entry as PrincipalEntry, ({ name }) => name) }
  return { ...state, tokens: put(state.tokens, entry as TokenEntry, ({ hash }) => hash) }
}

function mustBeOurs(name: string): void {
  if (builtinRole(name))
    throw new ReinsError('role_exists', `${name} is a role of Reins itself: it cannot be made, changed or deleted.`, {
      next: 'Make a role of another name: reins role create',
    })
}

function mustBePermissions(permissions: readonly string[]): void {
  for (const permission of permissions) {
    const problem = permissionProblem(permission)
    if (problem !== undefined)
      throw new ReinsError(
        'invalid_request',
        `${JSON.stringify(permission.slice(0, 80))} is no permission: ${problem}.`,
      )
  }
}

const noRole = (name: string) => new ReinsError('role_not_found', `There is no role ${name.slice(0, 64)}.`)
const noPrincipal = (name: string) =>
  new ReinsError('principal_not_found', `There is no principal ${name.slice(0, 193)}.`, {
    next: `Make it first: reins principal create ${name.slice(0, 193)}`,
  })
