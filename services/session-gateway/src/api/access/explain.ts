// Why a principal may an action, or why not: the same questions as where it is allowed, with the answers told.
//   EX1. What is told of others needs the permission to look at them. What is told of the caller is what the caller's token may, not what
//        the principal might do with another one.
import { builtinRole, type CanAnswer, covers, permissionProblem, ReinsError, withFormer } from '@reins/contracts'
import { authorize, type Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import { type AccessRegistry, permissionsOfRole } from './identities.ts'

type Known = Pick<AccessRegistry, 'role' | 'principal'>

export interface WhoAmI {
  readonly principal: string
  readonly name?: string
  readonly kind: Caller['kind']
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  readonly token?: string
  readonly expiresAt?: number
}

export const whoAmI = ({ principal, name, kind, roles, permissions, token, expiresAt }: Caller): WhoAmI => ({
  ...{ principal, kind, roles: [...roles], permissions: [...permissions] },
  ...(name === undefined ? {} : { name }),
  ...(token === undefined ? {} : { token }),
  ...(expiresAt === undefined ? {} : { expiresAt }),
})

/** `as`: another principal (EX1). Throws forbidden, principal_not_found, invalid_request. */
export function explain(caller: Caller, action: string, as: string | undefined, registry: Known): CanAnswer {
  const problem = permissionProblem(action)
  if (problem !== undefined)
    throw new ReinsError('invalid_request', `${JSON.stringify(action.slice(0, 80))} is no permission: ${problem}.`, {
      next: 'Name an action such as agent:coder:start; docs/auth.md lists them.',
    })
  if (as === undefined || as === caller.principal) return ofCaller(caller, action, registry)
  authorize(caller, operations.showPrincipal, { principal: as })
  const entry = registry.principal(as)
  if (!entry) throw new ReinsError('principal_not_found', `There is no principal ${as.slice(0, 193)}.`)
  const because = sourcesOf(action, entry.roles, entry.permissions, registry)
  if (entry.banned)
    return {
      ...{ action, principal: as, allowed: false, because, why: `${as} is banned.` },
      next: `reins principal unban ${as}`,
    }
  return answer(as, action, because)
}

function ofCaller({ principal, roles, permissions }: Caller, action: string, registry: Known): CanAnswer {
  const covering = permissions.find((granted) => covers(granted, action))
  const entry = registry.principal(principal)
  const because = sourcesOf(action, roles, entry?.permissions ?? [], registry)
  if (covering === undefined && because.length > 0)
    return {
      ...{ action, principal, allowed: false, because },
      why: `${principal} may ${action}, but the scope of this token does not cover it.`,
      next: 'Use another token of the principal, or make one with this permission: reins token create',
    }
  if (covering === undefined) return answer(principal, action, [])
  return answer(principal, action, because.length > 0 ? because : [{ grant: covering, from: 'token' }])
}

function sourcesOf(
  action: string,
  roles: readonly string[],
  permissions: readonly string[],
  registry: Known,
): CanAnswer['because'] {
  const found = (granted: readonly string[], from: string) =>
    withFormer(granted)
      .filter((grant) => covers(grant, action))
      .map((grant) => ({ grant, from }))
  return [
    ...roles.flatMap((role) => found(permissionsOfRole(role, registry), `role ${role}`)),
    ...found(permissions, 'grant'),
  ]
}

function answer(principal: string, action: string, because: CanAnswer['because']): CanAnswer {
  const [first] = because
  if (first)
    return {
      ...{ action, principal, allowed: true, because },
      why: `${principal} may ${action}: ${first.grant} covers it (${first.from}).`,
    }
  return {
    ...{ action, principal, allowed: false, because },
    why: `${principal} may not ${action}: no role and no grant covers it.`,
    next: `Grant it: reins principal grant ${principal} --permission ${action}${suggested(action)}`,
  }
}

/** A built-in role that has it. */
function suggested(action: string): string {
  const role = ['viewer', 'operator'].find((name) =>
    builtinRole(name)?.permissions.some((grant) => covers(grant, action)),
  )
  return role === undefined ? '' : `, or --role ${role}`
}
