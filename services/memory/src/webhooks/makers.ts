// Whoever made a webhook, as they stand now: what they may not know any more it does not tell. Pure.
//   MK1. A ban ends what is told, however the principal came.
//   MK2. What a principal may is known here where its roles and grants, or permissions of tokens of its own, are kept by Reins.
//   MK3. Of somebody whom an identity provider knows, the roles of the latest token that a gateway saw count, for so long: whoever has not
//        come since may have left. A webhook of an older version says nothing of that until its maker comes again.
import {
  builtinRole,
  covers,
  type KeptWebhook,
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

/** MK3. */
const notSeenForMs = 30 * 86_400_000

export type Made = Pick<KeptWebhook, 'by' | 'said'>

export function standingOf({ by, said }: Made, registry: MakersRegistry, now: number): Standing {
  const name = /^user:(.+)$/.exec(by)?.[1]
  const entry = name === undefined ? undefined : registry.principal(name)
  if (entry?.banned) return 'nothing' // MK1
  if (name === undefined || (!entry && !said) || (name.includes(':') && !said)) return 'as-made' // MK2, MK3
  if (said && now - said.at > notSeenForMs) return 'nothing' // MK3
  const ofRole = (role: string): readonly string[] =>
    builtinRole(role)?.permissions ?? registry.role(role)?.permissions ?? []
  const own = registry
    .tokens()
    .filter(({ principal, scope, revoked, expiresAt }) => {
      return principal === name && !scope && !revoked && (expiresAt === undefined || expiresAt > now)
    })
    .flatMap(({ permissions }) => permissions)
  const roles = [...(entry?.roles ?? []), ...(said?.roles ?? [])]
  const granted = withFormer([...(entry?.permissions ?? []), ...roles.flatMap(ofRole), ...own])
  if (!granted.some((grant) => covers(grant, webhookMaking))) return 'nothing'
  return granted.some((grant) => covers(grant, 'session:*:read')) ? 'as-made' : granted
}

export const mayStillHear = (standing: Standing, session: string, agent: string | undefined): boolean =>
  standing === 'as-made' ||
  (standing !== 'nothing' && agent !== undefined && mayReadSession(standing, { agent, session }))
