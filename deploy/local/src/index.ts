// The door of @reins/local: the embedded servers and the compositions, for tests and benchmarks.

export { type RunningProduct, up } from './commands/up.ts'
export { type LocalConfig, type LocalFlags, loadLocalConfig, processEnvironment } from './config.ts'
export { adminToken, openDataDir } from './data/data-dir.ts'
export { secretFile } from './data/secret-file.ts'
export { forgetOlderKeys, makeRoleKeys, rotateRoleKeys, sealsIn } from './data/signing-key.ts'
export { defaultAgent, defaultAgentName } from './default-agent.ts'
export { findNatsServer } from './nats/find-nats.ts'
export { type NatsUser, natsConfig } from './nats/nats-config.ts'
export { type NatsOptions, type RunningNats, startNats } from './nats/nats-process.ts'
export { natsUsers } from './nats/nats-users.ts'
export { databaseServices, prepareRoles, roleNameOf, urlOfRole } from './postgres/database-roles.ts'
export { type RunningPostgres, startPostgres } from './postgres/postgres-process.ts'
