// Who asks, and what they may: bearer tokens by their hash, and permissions. How a token came is the door's affair.
import { createHash } from 'node:crypto'
import { ReinsError, type TokenEntry } from '@reins/contracts'
import type { Operation } from './operations.ts'

export interface Caller {
  readonly principal: string
  /** As it stands in `by` of a frame. */
  readonly by: string
  readonly permissions: readonly string[]
}

export interface Tokens {
  /** By the hex sha256 of its text; undefined where unknown or revoked. */
  token(hash: string): TokenEntry | undefined | Promise<TokenEntry | undefined>
}

/** For what is public. */
export const nobody: Caller = { principal: 'nobody', by: 'user:nobody', permissions: [] }

/** `token`: its text, undefined where none was given. Rejects with unauthorized. */
export async function authenticate(token: string | undefined, tokens: Tokens): Promise<Caller> {
  if (token === undefined)
    throw new ReinsError('unauthorized', 'Missing or invalid Authorization header: the request has no bearer token.')
  const entry = await tokens.token(createHash('sha256').update(token).digest('hex'))
  if (!entry || entry.revoked) throw new ReinsError('unauthorized', 'The bearer token is not known, or was revoked.')
  return { principal: entry.principal, by: `user:${entry.principal}`, permissions: entry.permissions }
}

/** Throws forbidden. */
export function authorize(caller: Caller, { permission }: Pick<Operation, 'permission'>): void {
  if (permission !== undefined && !may(caller, permission)) throw forbidden(caller, permission)
}

export const may = ({ permissions }: Caller, permission: string): boolean =>
  permissions.some((granted) => covers(granted, permission))

export const forbidden = (caller: Caller, permission: string, what = ''): ReinsError =>
  new ReinsError('forbidden', `The token of ${caller.principal} has no permission ${permission}${what}.`, {
    details: { permission },
  })

/**
 * `*` in a granted permission stands for one word, at its end also for several: `*`, `sessions:*`, `workflow:*` and
 * `workflow:*:*:register` cover `workflow:*:*:register`, and `workflow:agents:*:register` does not.
 */
function covers(granted: string, wanted: string): boolean {
  const words = wanted.split(':')
  const parts = granted.split(':')
  const fits = parts.every((part, at) => words[at] !== undefined && (part === '*' || part === words[at]))
  return fits && (parts.length === words.length || parts.at(-1) === '*')
}
