// Whether somebody is left who may everything, and so may undo what was done to the others. Pure.
//   AD1. Such a one comes in by a token that is not revoked and does not expire, of a principal that is not banned. Who comes by an issuer
//        of its own does not count: the issuer may be away.
import { builtinRole, type PrincipalEntry, type RoleEntry, type TokenEntry } from '@reins/contracts'

export interface AccessState {
  readonly principals: readonly PrincipalEntry[]
  readonly roles: readonly RoleEntry[]
  readonly tokens: readonly TokenEntry[]
}

export function hasAdmin({ principals, roles, tokens }: AccessState): boolean {
  const all = new Set(['admin', ...roles.filter(isWhole).map(({ name }) => name)])
  const known = new Map(principals.map((principal) => [principal.name, principal]))
  return tokens.some(({ principal: name, revoked, expiresAt, permissions, scope }) => {
    const principal = known.get(name)
    if (revoked || expiresAt !== undefined || principal?.banned) return false
    if (scope === undefined) return permissions.includes('*')
    if (!scope.includes('*') || !principal) return false
    return principal.permissions.includes('*') || principal.roles.some((role) => all.has(role))
  })
}

const isWhole = ({ name, permissions, deleted }: RoleEntry): boolean =>
  !deleted && builtinRole(name) === undefined && permissions.includes('*')
