// Bearer tokens that the configuration brings (the first start's admin token): made sure of at each start.
//   T1. A token that was revoked stays revoked, whatever the configuration says.
import { canonicalJson, type TokenEntry } from '@reins/contracts'
import { parseToken } from '@reins/journal'
import type { Clock } from '@reins/service'
import type { RegistryLog } from './registry-log.ts'

/** `hash`: the hex sha256 of the token's text. */
export interface BootstrapToken {
  readonly hash: string
  readonly principal: string
  readonly permissions: readonly string[]
}

/** Rejects with BrokerUnavailable. */
export async function ensureTokens(log: RegistryLog, tokens: readonly BootstrapToken[], clock: Clock): Promise<void> {
  for (const token of tokens) await ensureToken(log, token, clock)
}

async function ensureToken(log: RegistryLog, { hash, principal, permissions }: BootstrapToken, clock: Clock) {
  for (;;) {
    const record = await log.last('token', hash)
    const known = parseToken(record?.value)
    if (known?.revoked) return // T1
    const entry: TokenEntry = {
      hash,
      principal,
      permissions: [...permissions],
      revoked: false,
      createdAt: known?.createdAt ?? clock.now(),
    }
    if (known && canonicalJson(known) === canonicalJson(entry)) return
    if ((await log.write('token', hash, entry, record?.seq ?? 0)).kind === 'written') return
  }
}
