// The users of the embedded nats-server: the rights of each service stand in @reins/contracts, the passwords in the data folder.
import path from 'node:path'
import { serverUrls } from '@reins/broker'
import {
  archivistPermissions,
  archivistUser,
  backupPermissions,
  backupUser,
  moverPermissions,
  moverUser,
  permissionsOf,
  serviceNames,
  unionPermissions,
  unionUser,
} from '@reins/contracts'
import { secretFile } from '../data/secret-file.ts'
import type { NatsUser } from './nats-config.ts'

/** The first is the one-process composition's, the last the mover's. Passwords that are not there yet are made. */
export function natsUsers(folder: string): readonly NatsUser[] {
  const password = (name: string): string => secretFile(path.join(folder, `${name}.password`))
  return [
    { user: unionUser, password: password(unionUser), permissions: unionPermissions },
    ...serviceNames.map((service) => ({
      user: service,
      password: password(service),
      permissions: permissionsOf(service),
    })),
    { user: backupUser, password: password(backupUser), permissions: backupPermissions },
    { user: archivistUser, password: password(archivistUser), permissions: archivistPermissions },
    { user: moverUser, password: password(moverUser), permissions: moverPermissions },
  ]
}

/** The same broker, as one of its users. */
export function asNatsUser(natsUrl: string, users: readonly NatsUser[], name: string): string | undefined {
  const one = users.find(({ user }) => user === name)
  if (!one) return undefined
  const [first = '', ...others] = serverUrls(natsUrl)
  const url = new URL(first)
  url.username = encodeURIComponent(one.user)
  url.password = encodeURIComponent(one.password)
  return [url.toString().replace(/\/$/, ''), ...others].join(',')
}
