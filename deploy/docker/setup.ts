// `npm run docker:setup -- [FOLDER] [--cluster] [--nats HOST:PORT] [--postgres HOST:PORT]`: makes the secrets that docker-compose.yml and the chart give
// to their services, one file each.
//   D1. What a broker's user may say is generated from the table that `reins up` uses (permissionsOf), so the two cannot drift.
//   D2. Run again, it keeps every password and the admin token, and writes what follows from them anew.
//   D3. Only their owner enters the folder (mode 700). The files in it are readable, since each is mounted alone, into a container
//       whose user is another one.
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { archivistUser, moverUser, serviceNames } from '@reins/contracts'
import {
  adminToken,
  databaseServices,
  makeRoleKeys,
  natsConfig,
  natsUsers,
  roleNameOf,
  secretFile,
  urlOfRole,
} from '@reins/local'

const usage = 'npm run docker:setup -- [FOLDER] [--cluster] [--nats HOST:PORT] [--postgres HOST:PORT]'
/** Of docker-compose.yml: without the profile `cluster` the first alone. */
const nodes = ['nats', 'nats-2', 'nats-3']
const { positionals, values } = asked()
const folder = path.resolve(positionals[0] ?? path.join(import.meta.dirname, 'secrets'))
const passwords = path.join(folder, 'passwords')
for (const one of [folder, passwords]) {
  mkdirSync(one, { recursive: true })
  chmodSync(one, 0o700)
}

const maxPayloadBytes = 8 * 1024 * 1024
/** Of the two that are no service, memory is the one where sessions are archived, and an operator's command the other. */
const named: readonly string[] = [...serviceNames, archivistUser, moverUser]
const users = natsUsers(passwords).filter(({ user }) => named.includes(user))
const postgres = secretFile(path.join(passwords, 'postgres.password'))
const databaseUrl = `postgres://reins:${postgres}@${values.postgres}/reins\n`
const monitor = { user: 'monitor', password: secretFile(path.join(passwords, 'monitor.password')) }

write(
  'nats.conf',
  natsConfig({
    port: 4222,
    durability: 'fsync',
    users,
    monitor,
    maxPayloadBytes,
    // For the health check in the container itself.
    extraConfig: ['http: "127.0.0.1:8222"', ...(values.cluster ? [clusterConfig()] : [])].join('\n'),
  }),
)
const broker = values.nats ?? (values.cluster ? nodes : nodes.slice(0, 1)).map((node) => `${node}:4222`).join(',')
for (const { user, password } of users) write(`${user}.nats-url`, `nats://${user}:${password}@${broker}\n`)
write('postgres.password', postgres)
// The owner's, for the container that makes the roles; then each service's own.
write('database-url', databaseUrl)
for (const service of databaseServices) {
  const role = {
    service,
    user: roleNameOf(service),
    password: secretFile(path.join(passwords, `${service}-database.password`)),
  }
  write(`${service}.database-url`, `${urlOfRole(databaseUrl.trim(), role)}\n`)
}
// The key of each role is its service's alone; the public keys are everybody's.
const keys = path.join(passwords, 'keys')
mkdirSync(keys, { recursive: true, mode: 0o700 })
makeRoleKeys(keys)
for (const file of readdirSync(keys)) write(`role-${file}`, readFileSync(path.join(keys, file), 'utf8'))
write('admin.token', `${adminToken(passwords)}\n`)
write('secrets.key', `${secretFile(path.join(passwords, 'secrets.key'), 'reins_key_')}\n`)

process.stdout.write(
  [
    `secrets  ${folder}`,
    `next     docker compose${values.cluster ? ' --profile cluster' : ''} up --build --wait`,
    `then     REINS_TOKEN="$(cat ${path.join(folder, 'admin.token')})" npx reins session list`,
    '',
  ].join('\n'),
)

/** The same for all three: each has its name from its command. Who has no password joins no cluster. */
function clusterConfig(): string {
  const route = `routes:${secretFile(path.join(passwords, 'routes.password'))}`
  const [user, password] = route.split(':')
  const routes = nodes.map((node) => `"nats://${route}@${node}:6222"`).join(', ')
  // A peer that is silent for two seconds counts as gone: else what is sent to it waits for minutes.
  const pings = 'ping_interval: "1s", ping_max: 2'
  const who = `authorization { user: "${user}", password: "${password}" }`
  return `cluster { name: reins, listen: "0.0.0.0:6222", ${who}, routes: [ ${routes} ], ${pings} }`
}

function write(name: string, text: string): void {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, 0o644)
}

function asked() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        nats: { type: 'string' },
        cluster: { type: 'boolean', default: false },
        postgres: { type: 'string', default: 'postgres:5432' },
      },
    })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}\n`)
    process.exit(2)
  }
}
