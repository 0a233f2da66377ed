// Bearer tokens that the configuration brings (the first start's admin token): made sure of at each start.
//   T1. A token that was revoked stays revoked, whatever the configuration says.
//   T2. Its principal is there beside it, with the role admin where the token may everything, and is left as it is once it is there.
//   T3. A token that an earlier configuration brought, and this one does not, is revoked: whoever replaces the first token (deletes
//       admin.token) does so because others may know it. It is revoked after its successor is in, so nobody is locked out between.
import { canonicalJson, type PrincipalEntry, type TokenEntry } from '@reins/contracts'
import { parseToken } from '@reins/journal'
import type { Clock } from '@reins/service'
import type { RegistryLog } from '../registry-log.ts'

/** `hash`: the hex sha256 of the token's text. */
export interface BootstrapToken {
  readonly hash: string
  readonly principal: string
  readonly permissions: readonly string[]
}

/** Rejects with BrokerUnavailable. */
export async function ensureTokens(log: RegistryLog, tokens: readonly BootstrapToken[], clock: Clock): Promise<void> {
  for (const token of tokens) {
    await ensureToken(log, token, clock)
    await ensurePrincipal(log, token, clock)
  }
  await revokeReplaced(log, tokens)
}

/** T3. Tokens that people make have a maker (`by`) and a scope. */
async function revokeReplaced(log: RegistryLog, tokens: readonly BootstrapToken[]): Promise<void> {
  if (tokens.length === 0) return
  const all = [...(await log.all('token')).values()].flatMap(({ value }) => parseToken(value) ?? [])
  const now = new Set(tokens.map(({ hash }) => hash))
  const brought = all.filter(({ by, scope, revoked }) => by === undefined && scope === undefined && !revoked)
  for (const { principal } of tokens) {
    if (!brought.some((one) => one.principal === principal && now.has(one.hash))) continue // T1: its successor is revoked itself
    for (const old of brought) if (old.principal === principal && !now.has(old.hash)) await revokeToken(log, old.hash)
  }
}

async function revokeToken(log: RegistryLog, hash: string): Promise<void> {
  for (;;) {
    const record = await log.last('token', hash)
    const known = parseToken(record?.value)
    if (!record || !known || known.revoked) return
    if ((await log.write('token', hash, { ...known, revoked: true }, record.seq)).kind === 'written') return
  }
}

/** T2. */
async function ensurePrincipal(log: RegistryLog, { principal, permissions }: BootstrapToken, clock: Clock) {
  if (await log.last('principal', principal)) return
  const at = clock.now()
  const entry: PrincipalEntry = {
    ...{ name: principal, kind: 'person', roles: permissions.includes('*') ? ['admin'] : [], permissions: [] },
    ...{ banned: false, createdAt: at, updatedAt: at, by: 'registry' },
  }
  await log.write('principal', principal, entry, 0) // refused: somebody else has made it
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
