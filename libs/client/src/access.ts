// Principals, roles and tokens as typed calls.
import type {
  AuditEntry,
  AuditPage,
  CanAnswer,
  CreatedToken,
  CreatePrincipal,
  CreateToken,
  GrantBody,
  Principal,
  PutRole,
  RoleInfo,
  Token,
} from '@reins/contracts'
import { finite, type Form, instant, list, optional, record, text } from './answers.ts'
import type { Transport } from './transport/transport.ts'

/** Who asks, and what they may. */
export interface WhoAmI {
  readonly principal: string
  /** What people call the principal, where that is another. */
  readonly name?: string
  readonly kind: string
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  readonly token?: string
  readonly expiresAt?: number
}

export interface AccessCalls {
  readonly tokens: {
    /** The answer shows the text of the token; nothing shows it again. */
    create(body: CreateToken): Promise<CreatedToken>
    list(query?: { readonly principal?: string }): Promise<readonly Token[]>
    revoke(id: string): Promise<void>
  }
  readonly roles: {
    list(): Promise<readonly RoleInfo[]>
    get(name: string): Promise<RoleInfo>
    create(name: string, role: PutRole): Promise<RoleInfo>
    update(name: string, role: PutRole): Promise<RoleInfo>
    delete(name: string): Promise<void>
  }
  readonly principals: {
    list(): Promise<readonly Principal[]>
    get(name: string): Promise<Principal>
    create(body: CreatePrincipal): Promise<Principal>
    grant(name: string, body: GrantBody): Promise<Principal>
    revoke(name: string, body: GrantBody): Promise<Principal>
    ban(name: string, reason?: string): Promise<Principal>
    unban(name: string): Promise<Principal>
  }
  /** The oldest first, at most `limit`, over as many pages as that takes. */
  audit(query: {
    readonly since?: number
    readonly principal?: string
    readonly denied?: boolean
    readonly limit: number
  }): Promise<readonly AuditEntry[]>
  me(): Promise<WhoAmI>
  /** Whether an action is allowed, and why. `principal`: default: who asks. */
  can(action: string, principal?: string): Promise<CanAnswer>
}

const role = record({ name: text, permissions: list(text) })
const principal = record({ name: text, kind: text, roles: list(text), permissions: list(text), updatedAt: instant })
const token = record({
  id: text,
  principal: text,
  permissions: list(text),
  createdAt: instant,
  expiresAt: optional(instant),
})
const me = record({ principal: text, roles: list(text), permissions: list(text), expiresAt: optional(finite) })
const can = record({ action: text, principal: text, why: text, because: list(record({ grant: text, from: text })) })
const auditEntry = record({ at: instant, by: text, did: text, on: text, outcome: text })
const anything: Form = () => undefined

export function accessCalls(transport: Transport): AccessCalls {
  const at = (kind: string, name: string, verb = ''): string => `/v1/${kind}/${encodeURIComponent(name)}${verb}`
  const one = async <T>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    field: string,
    form: Form,
    body?: unknown,
  ): Promise<T> => {
    const answer = await transport.json<Record<string, T>>(
      { method, path, ...(body === undefined ? {} : { body }) },
      record({ [field]: form }),
    )
    return answer[field] as T // the form has checked it
  }
  const principalCall = (name: string, verb: string, body?: unknown) =>
    one<Principal>('POST', at('principals', name, `/${verb}`), 'principal', principal, body)
  return {
    tokens: {
      create: (body) =>
        transport.json<CreatedToken>({ method: 'POST', path: '/v1/tokens', body }, record({ token, text })),
      list: async (query = {}) =>
        (
          await transport.json<{ tokens: Token[] }>(
            { method: 'GET', path: '/v1/tokens', query },
            record({ tokens: list(token) }),
          )
        ).tokens,
      async revoke(id) {
        await transport.json({ method: 'DELETE', path: at('tokens', id) }, anything)
      },
    },
    roles: {
      list: () => one<RoleInfo[]>('GET', '/v1/roles', 'roles', list(role)),
      get: (name) => one<RoleInfo>('GET', at('roles', name), 'role', role),
      create: (name, body) => one<RoleInfo>('POST', at('roles', name), 'role', role, body),
      update: (name, body) => one<RoleInfo>('PUT', at('roles', name), 'role', role, body),
      async delete(name) {
        await transport.json({ method: 'DELETE', path: at('roles', name) }, anything)
      },
    },
    principals: {
      list: () => one<Principal[]>('GET', '/v1/principals', 'principals', list(principal)),
      get: (name) => one<Principal>('GET', at('principals', name), 'principal', principal),
      create: (body) => one<Principal>('POST', '/v1/principals', 'principal', principal, body),
      grant: (name, body) => principalCall(name, 'grant', body),
      revoke: (name, body) => principalCall(name, 'revoke', body),
      ban: (name, reason) => principalCall(name, 'ban', reason === undefined ? {} : { reason }),
      unban: (name) => principalCall(name, 'unban'),
    },
    async audit({ limit, ...query }) {
      const found: AuditEntry[] = []
      for (let after: string | undefined; found.length < limit; ) {
        const page = await transport.json<AuditPage>(
          { method: 'GET', path: '/v1/audit', query: { ...query, limit: Math.min(limit - found.length, 500), after } },
          record({ entries: list(auditEntry), next: optional(text) }),
        )
        found.push(...page.entries)
        after = page.next
        if (after === undefined) break
      }
      return found
    },
    me: () => transport.json<WhoAmI>({ method: 'GET', path: '/v1/access/me' }, me),
    can: (action, as) =>
      transport.json<CanAnswer>(
        { method: 'GET', path: '/v1/access/can', query: { action, ...(as === undefined ? {} : { principal: as }) } },
        can,
      ),
  }
}
