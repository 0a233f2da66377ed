// Whoever made a webhook, as they stand now: what they may not know any more it does not tell. Pure.
//   MK1. A ban ends what is told, however the principal came.
//   MK2. What a principal may is known here where its roles and grants, or permissions of tokens of its own, are kept by Reins. What an identity
//        provider says of somebody stands in each of their tokens alone: there what they might read when they made it counts, until a ban.
import {
  builtinRole,
  covers,
  mayReadSession,
  type PrincipalEntry,
  type RoleEntry,
  type TokenEntry,
  webhookMaking,
  withFormer,
} from '@reins/contracts'

export interface MakersRegistry {
  principal(name: string): PrincipalEntry | undefined
  role(name: string): RoleEntry | undefined
  tokens(): readonly Pick<TokenEntry, 'principal' | 'permissions' | 'scope' | 'revoked' | 'expiresAt'>[]
}

/** `as-made`: what the webhook itself says counts. Else only what these permissions let read. */
export type Standing = 'as-made' | 'nothing' | readonly string[]

/** `by`: as the webhook has it. */
export function standingOf(by: string, registry: MakersRegistry, now: number): Standing {
  const name = /^user:(.+)$/.exec(by)?.[1]
  const entry = name === undefined ? undefined : registry.principal(name)
  if (entry?.banned) return 'nothing' // MK1
  if (name === undefined || !entry || name.includes(':')) return 'as-made' // MK2
  const ofRole = (role: string): readonly string[] =>
    builtinRole(role)?.permissions ?? registry.role(role)?.permissions ?? []
  const own = registry
    .tokens()
    .filter(({ principal, scope, revoked, expiresAt }) => {
      return principal === name && !scope && !revoked && (expiresAt === undefined || expiresAt > now)
    })
    .flatMap(({ permissions }) => permissions)
  const granted = withFormer([...entry.permissions, ...entry.roles.flatMap(ofRole), ...own])
  if (!granted.some((grant) => covers(grant, webhookMaking))) return 'nothing'
  return granted.some((grant) => covers(grant, 'session:*:read')) ? 'as-made' : granted
}

export const mayStillHear = (standing: Standing, session: string, agent: string | undefined): boolean =>
  standing === 'as-made' ||
  (standing !== 'nothing' && agent !== undefined && mayReadSession(standing, { agent, session }))
