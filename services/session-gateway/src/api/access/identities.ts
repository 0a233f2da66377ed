// Who stands behind a bearer text: a chain of parties, each of which knows its own kind of it. What the principal then may is put together
// here, at one place, from the registry's roles.
//   ID1. A new kind of bearer (a JWT of an issuer, say) is one function of the type `Identities`, handed to the gateway as `identities` of
//        its configuration (ports.ts). It is asked before the tokens of the registry. It answers undefined where the text is not of its
//        kind, an Identity where it is and is good, and throws unauthorized where it is of its kind and bad: then nobody else is asked.
//   ID2. It says `roles` by the names that a configuration maps claims to, and `expiresAt` in epoch ms; what the roles permit, what the
//        registry grants the principal besides, bans and expiry are seen to here. A door ends what it holds open for `caller.expiresAt`.
//   ID3. A principal of an issuer is named `<issuer's name>:<subject>` (principalNamePattern): it never is one that the registry made.
//   ID4. Expiry is held against this gateway's clock, at the door. Nothing that is decided later looks at a clock.
//   ID6. Of `roles` no more counts than `rolesNow` gives: a provider has said less of the same person since.
//   ID5. A role that is not there permits nothing.
import { hash } from 'node:crypto'
import {
  builtinRole,
  isMistypedToken,
  meetAll,
  type PrincipalEntry,
  type PrincipalKind,
  ReinsError,
  type RoleEntry,
  type TokenEntry,
  tokenIdOf,
  withFormer,
} from '@reins/contracts'
import type { Caller } from '../caller.ts'

/** Hand in the same object for the same bearer: what it permits is then worked out once. */
export interface Identity {
  readonly principal: string
  /** What people call the principal, where that is another. It is shown, and never compared. */
  readonly name?: string
  readonly kind: PrincipalKind
  /** Beside those that the registry grants the principal. */
  readonly roles: readonly string[]
  /** Beside those of its roles. */
  readonly permissions: readonly string[]
  /** No more than this, of all that the principal may. Absent: all of it. */
  readonly scope?: readonly string[]
  /** What the registry grants the principal is left out: `permissions` alone say what it may. */
  readonly own?: true
  readonly expiresAt?: number
  /** Names the bearer, without telling it: two bearers never have the same. */
  readonly token?: string
  /** epoch ms: when the provider said all this. */
  readonly issuedAt?: number
  /** ID6. The same array while nothing changes. */
  rolesNow?(): readonly string[]
}

export type Identities = (bearer: string) => Identity | undefined | Promise<Identity | undefined>

/** What the registry knows. */
export interface AccessRegistry {
  /** By the hex sha256 of its text; undefined where unknown or revoked. */
  token(hash: string): TokenEntry | undefined
  role(name: string): RoleEntry | undefined
  principal(name: string): PrincipalEntry | undefined
}

const missing = 'Missing or invalid Authorization header: the request has no bearer token.'

/** `bearer`: undefined where the request has none. Rejects with unauthorized. */
export async function authenticate(
  bearer: string | undefined,
  parties: readonly Identities[],
  registry: Pick<AccessRegistry, 'role' | 'principal'>,
  now: () => number,
): Promise<Caller> {
  if (bearer === undefined) throw new ReinsError('unauthorized', missing)
  for (const party of parties) {
    const answer = party(bearer)
    const identity = answer instanceof Promise ? await answer : answer
    if (identity) return callerOf(identity, registry, now)
  }
  throw new ReinsError('unauthorized', 'The bearer token is not known, or was revoked.')
}

/** Throws unauthorized: expired, or banned. */
function callerOf(identity: Identity, registry: Pick<AccessRegistry, 'role' | 'principal'>, now: () => number): Caller {
  const { principal, name, kind, expiresAt, token, issuedAt } = identity
  if (expiresAt !== undefined && expiresAt <= now())
    throw new ReinsError('unauthorized', `The bearer token expired at ${new Date(expiresAt).toISOString()}.`, {
      details: { reason: 'expired' },
      next: 'Make another one (reins token create), or sign in again.',
    })
  const entry = registry.principal(principal)
  if (entry?.banned)
    throw new ReinsError('unauthorized', `The principal ${principal} is banned.`, {
      next: 'Ask an administrator: reins principal unban',
    })
  return {
    ...{ principal, kind: entry?.kind ?? kind, by: `user:${principal}` },
    ...permittedTo(identity, entry, registry),
    again: () => callerOf(identity, registry, now),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(token === undefined ? {} : { token }),
    ...(name === undefined ? {} : { name }),
    ...(issuedAt === undefined ? {} : { said: { roles: [...saidOf(identity)], at: issuedAt } }),
  }
}

/** ID6. */
const saidOf = (identity: Identity): readonly string[] => identity.rolesNow?.() ?? identity.roles

type Permitted = Pick<Caller, 'roles' | 'permissions'>

interface Kept extends Permitted {
  /** Of the roles, those that came with the bearer. */
  readonly named: readonly string[]
  readonly entry: PrincipalEntry | undefined
  readonly entries: readonly (RoleEntry | undefined)[]
}

/** Entries are never changed, but replaced: so the same ones permit the same. */
const kept = new WeakMap<Identity, Kept>()

function permittedTo(
  identity: Identity,
  entry: PrincipalEntry | undefined,
  registry: Pick<AccessRegistry, 'role'>,
): Permitted {
  const named = saidOf(identity)
  const roles = identity.own ? named : [...new Set([...named, ...(entry?.roles ?? [])])]
  const entries = roles.map((role) => (builtinRole(role) ? undefined : registry.role(role)))
  const before = kept.get(identity)
  if (
    before &&
    before.named === named &&
    before.entry === entry &&
    entries.every((one, at) => one === before.entries[at])
  )
    return before
  const direct = identity.own ? identity.permissions : [...identity.permissions, ...(entry?.permissions ?? [])]
  const all = withFormer([...direct, ...roles.flatMap((role) => permissionsOfRole(role, registry))])
  const permissions = identity.scope ? meetAll(all, withFormer(identity.scope)) : all
  const permitted = { roles, permissions, named, entry, entries }
  kept.set(identity, permitted)
  return permitted
}

/** ID5. */
export const permissionsOfRole = (name: string, registry: Pick<AccessRegistry, 'role'>): readonly string[] =>
  builtinRole(name)?.permissions ?? registry.role(name)?.permissions ?? []

export const hashOfToken = (text: string): string => hash('sha256', text, 'hex')

/** The tokens that the registry keeps. */
export function registryTokens(registry: Pick<AccessRegistry, 'token'>): Identities {
  const known = new WeakMap<TokenEntry, Identity>()
  return (bearer) => {
    if (isMistypedToken(bearer))
      throw new ReinsError('unauthorized', 'The bearer token is mistyped or was cut: its checksum is wrong.')
    const entry = registry.token(hashOfToken(bearer))
    if (!entry) return undefined
    const identity = known.get(entry) ?? identityOf(entry)
    known.set(entry, identity)
    return identity
  }
}

const identityOf = ({ hash, principal, permissions, scope, expiresAt }: TokenEntry): Identity => ({
  ...{ principal, kind: 'person', roles: [], permissions: scope ? [] : permissions, token: tokenIdOf(hash) },
  ...(scope ? { scope } : { own: true }),
  ...(expiresAt === undefined ? {} : { expiresAt }),
})
