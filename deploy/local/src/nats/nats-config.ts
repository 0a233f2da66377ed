// The configuration file of the embedded nats-server, as text. Pure.
//   N1. Nothing of the machine (folder names) stands in it: paths are arguments of the command line. What stands in it
//       is quoted, and control characters are refused, so no name can add a line.
//   N2. An empty `allow` list means nobody to whoever writes it, everybody to nats-server: it is written as a denial.
import type { NatsPermissions, SubjectRights } from '@reins/contracts'

export interface NatsUser {
  readonly user: string
  readonly password: string
  /** Without: everything. */
  readonly permissions?: NatsPermissions
}

export interface NatsConfig {
  readonly port: number
  /** fsync: every append is on the disk before it is acknowledged; interval: every two minutes, as nats-server does by itself. */
  readonly durability: 'fsync' | 'interval'
  readonly users: readonly NatsUser[]
  /** May read the server's own state, and nothing else. */
  readonly monitor: NatsUser
  readonly maxPayloadBytes: number
  /** Written as it is, at the end. */
  readonly extraConfig?: string
}

export function natsConfig(config: NatsConfig): string {
  return [
    'host: "127.0.0.1"',
    `port: ${config.port}`,
    `max_payload: ${config.maxPayloadBytes}`,
    `jetstream {${config.durability === 'fsync' ? ' sync_interval: always ' : ''}}`,
    'system_account: SYS',
    'accounts {',
    `  SYS { users: [ ${user(config.monitor)} ] }`,
    '  REINS {',
    '    jetstream: enabled',
    '    users: [',
    ...config.users.map((one) => `      ${user(one)}`),
    '    ]',
    '  }',
    '}',
    ...(config.extraConfig === undefined ? [] : [config.extraConfig]),
    '',
  ].join('\n')
}

function user({ user, password, permissions }: NatsUser): string {
  const rights = permissions === undefined ? '' : `, permissions: ${permissionsText(permissions)}`
  return `{ user: ${quoted(user)}, password: ${quoted(password)}${rights} }`
}

function permissionsText({ publish, subscribe }: NatsPermissions): string {
  const parts = [
    ...(publish === undefined ? [] : [`publish: ${rightsText(publish)}`]),
    ...(subscribe === undefined ? [] : [`subscribe: ${rightsText(subscribe)}`]),
  ]
  return `{ ${parts.join(', ')} }`
}

function rightsText({ allow, deny }: SubjectRights): string {
  if (allow?.length === 0) return '{ deny: [">"] }' // N2
  const parts = [
    ...(allow === undefined ? [] : [`allow: [${allow.map(quoted).join(', ')}]`]),
    ...(deny === undefined || deny.length === 0 ? [] : [`deny: [${deny.map(quoted).join(', ')}]`]),
  ]
  return `{ ${parts.join(', ')} }`
}

function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new Error(
      `${JSON.stringify(text)} holds a control character, which the configuration of nats-server cannot hold.`,
    )
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
