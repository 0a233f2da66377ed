// Who may say what on the broker (I11, PROTOCOL 1): one user a service, each with its own role's subjects; the one-process composition
// holds the union. None may purge, delete, or publish another role's frames.
import path from 'node:path'
import type { Role } from '@reins/contracts'
import type { NatsPermissions, NatsUser } from './nats-config.ts'
import { secretFile } from './secret-file.ts'

export const serviceNames = ['registry', 'session-gateway', 'executor', 'tool-runner', 'memory'] as const
export type ServiceName = (typeof serviceNames)[number]

/** All services in one process. */
const unionUser = 'reins'

const destructive = ['$JS.API.STREAM.PURGE.>', '$JS.API.STREAM.DELETE.>', '$JS.API.STREAM.MSG.DELETE.>']
const everybodyPublishes = ['$JS.API.>', '$JS.ACK.>', '_INBOX.>', '$KV.>', '$O.>']
const everybodyHears = ['_INBOX.>', '$KV.>', '$O.>', 'rp.ses.>', 'live.>', 'reg.>', 'hb.>']

const frames = (role: Role): string => `ses.*.*.*.${role}.>`
const deltas = (role: 'e' | 't'): string => `live.*.*.*.${role}`

const own: Readonly<Record<ServiceName, { readonly says: readonly string[]; readonly hears: readonly string[] }>> = {
  registry: { says: ['reg.>'], hears: ['svc.registry.>'] },
  'session-gateway': { says: [frames('g'), 'svc.>'], hears: [] },
  executor: { says: [frames('e'), deltas('e'), 'timer.>', 'hb.executor.>', 'ctl.>'], hears: ['ctl.>'] },
  'tool-runner': { says: [frames('t'), deltas('t'), 'hb.tool-runner.>', 'ctl.>'], hears: ['ctl.>'] },
  memory: { says: [frames('m')], hears: ['svc.memory.>'] },
}

export function permissionsOf(service: ServiceName): NatsPermissions {
  const { says, hears } = own[service]
  return {
    publish: { allow: [...everybodyPublishes, ...says], deny: destructive },
    subscribe: { allow: [...everybodyHears, ...hears] },
    allowResponses: true,
  }
}

/** The users of an embedded server; the first is the one-process composition's. Passwords stay in the data folder. */
export function natsUsers(folder: string): readonly NatsUser[] {
  const password = (name: string): string => secretFile(path.join(folder, `${name}.password`))
  return [
    { user: unionUser, password: password(unionUser), permissions: { publish: { allow: ['>'], deny: destructive } } },
    ...serviceNames.map((service) => ({
      user: service,
      password: password(service),
      permissions: permissionsOf(service),
    })),
  ]
}
