// Who asks, and whether they may. How a bearer came is the door's affair, who stands behind it that of access/identities.ts.
//   C1. This is the one place that allows and refuses: what an operation needs stands in operations.ts, what the caller has in the caller.
//   C2. A refusal names what is missing, never what is there.
import { type PrincipalKind, ReinsError, type Said, covers } from '@reins/contracts'
import {
  type Alternatives,
  allowedOf,
  among,
  everything,
  fill,
  type Need,
  permits,
  type Subject,
  toldAs,
} from './access/needs.ts'
import type { Credential } from '../access/leases.ts'
import type { Operation } from './operations.ts'

export interface Caller {
  readonly principal: string
  /** What people call the principal, where that is another: for people to read. */
  readonly name?: string
  readonly kind: PrincipalKind
  /** As it stands in `by` of a frame. */
  readonly by: string
  /** By name, those of the registry among them. */
  readonly roles: readonly string[]
  /** Of all roles and grants, within the scope of the token. */
  readonly permissions: readonly string[]
  /** epoch ms: what is held open for the caller ends then. */
  readonly expiresAt?: number
  /** By the identity provider, as far as it counts now. Absent: Reins itself knows them. */
  readonly said?: Said
  /** Names the bearer; absent where it cannot be revoked by itself. */
  readonly token?: string
  /** The caller as it stands now: with the roles and grants of this moment. Throws unauthorized. Absent: there was no bearer. */
  readonly again?: () => Caller
  /** Ends what the bearer has opened; absent: there was no bearer. */
  readonly credential?: Credential
}

/** Of what is held open for long: who asks, as it stands now. Throws unauthorized. */
export const asOfNow = (caller: Caller): Caller => caller.again?.() ?? caller

/** For what is public. */
export const nobody: Caller = { principal: 'nobody', kind: 'service', by: 'user:nobody', roles: [], permissions: [] }

export type Needing = Pick<Operation, 'needs'>

/** C1. `subject`: all that the operation is about. Throws forbidden. */
export function authorize({ permissions, principal }: Caller, { needs }: Needing, subject: Subject = {}): void {
  if (needs && needs.length > 0 && !permits(permissions, needs, subject))
    throw refusal(principal, permissions, needs, subject)
}

/** C1. What the operation may be about, for this caller: lists show no more. Throws forbidden where that is nothing. */
export function authorizeSome(
  { permissions, principal }: Caller,
  { needs = [] }: Needing,
  subject: Subject = {},
): Alternatives {
  const allowed = needs.length === 0 ? everything : allowedOf(permissions, needs, subject)
  if (allowed.length === 0) throw refusal(principal, permissions, needs, subject)
  return allowed
}

/** As `authorizeSome`, of whoever is allowed something already. */
export const allowedTo = ({ permissions }: Caller, { needs = [] }: Needing, subject: Subject = {}): Alternatives =>
  allowedOf(permissions, needs, subject)

/** C1. As `authorize`, of what is in the alternatives that `authorizeSome` gave. */
export function mustBeAmong(caller: Caller, { needs = [] }: Needing, allowed: Alternatives, subject: Subject): void {
  if (!among(allowed, subject)) throw refusal(caller.principal, caller.permissions, needs, subject)
}

/** Of a request to the registry: whoever may do everything has no share, and an older registry knows nothing of it. */
export const limited = ({ permissions }: Caller): { readonly limited?: true } =>
  permissions.includes('*') ? {} : { limited: true }

export const may = ({ permissions }: Caller, permission: string): boolean =>
  permissions.some((granted) => covers(granted, permission))

export const forbidden = (caller: Caller, permission: string, what = ''): ReinsError =>
  new ReinsError('forbidden', `The token of ${caller.principal} has no permission ${permission}${what}.`, {
    details: { permission },
    next: howToGet(caller.principal, permission),
  })

/** What to do about a permission that is missing. One that names no one thing (`agent:<agent>:read`) is not to be granted as it stands. */
const howToGet = (principal: string, permission: string | undefined): string =>
  permission === undefined || permission.includes('<')
    ? 'Use a token with the permission that the message names, or ask an administrator of Reins to grant it.'
    : `Use a token that has it, or ask an administrator of Reins to grant it: reins principal grant ${principal} --permission ${permission}`

/** C2. */
function refusal(principal: string, granted: readonly string[], needs: Need, subject: Subject): ReinsError {
  const ways = needs.map((all) =>
    all
      .map((permission) => fill(permission, subject))
      .filter((permission) => !permits(granted, [[permission]]))
      .map(toldAs),
  )
  const [first = [], ...others] = ways
  const other = others.length === 0 ? '' : ` (or ${others.map((way) => way.join(' with ')).join(', or ')})`
  return new ReinsError('forbidden', `The token of ${principal} has no permission ${first.join(' and ')}${other}.`, {
    details: { permission: first[0], ...(others.length === 0 && first.length === 1 ? {} : { ways }) },
    next: howToGet(principal, first[0]),
  })
}
