// `reins doctor`: what this machine has of what Reins needs. It looks; it starts, fetches and changes nothing.
//   DR1. Values of keys never come here: a key is a name and whether it is set.
//   DR2. Each row that is not `ok` says what to do.
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { dataDirOwner } from '../data/data-dir.ts'
import type { DiskLimits } from '../data/disk-budget.ts'
import type { Owner } from '../data/owner-lock.ts'
import type { Misspelt } from '../known-settings.ts'
import { type FindNatsOptions, findNatsServer, NatsNotFound } from '../nats/find-nats.ts'
import { nativeFolder } from '../postgres/postgres-binaries.ts'
import { checkNats, checkPostgres, redactUrl } from '../servers/external.ts'
import { diskRow, hintFor, runningRows } from './running-rows.ts'
import { atLeast } from './version.ts'

export interface DoctorRow {
  readonly what: string
  readonly status: 'ok' | 'warning' | 'missing'
  readonly found: string
  /** What to do; empty where nothing is to be done. */
  readonly hint: string
}

export interface DoctorOptions {
  /** process.versions.node */
  readonly nodeVersion: string
  readonly minNodeVersion: string
  readonly nats: Pick<FindNatsOptions, 'cacheDir' | 'searchPath' | 'explicit'>
  readonly natsUrl?: string
  readonly databaseUrl?: string
  /** What describeSandbox says. */
  readonly sandbox: { readonly kind: string; readonly detail: string; readonly missing?: string }
  readonly dataDir: string
  readonly port: number
  readonly disk: DiskLimits
  readonly modelKeys: readonly { readonly name: string; readonly set: boolean }[]
  readonly misspelt: readonly Misspelt[]
}

/** Never rejects. Looks at all of it at once. */
export async function inspect(options: DoctorOptions): Promise<DoctorRow[]> {
  const owner = dataDirOwner(options.dataDir)
  const [rows, running] = await Promise.all([ownRows(options, owner), runningRows(owner, options.dataDir)])
  return [...rows.filter((one) => one !== undefined), ...running]
}

function ownRows(options: DoctorOptions, owner: Owner | undefined): Promise<(DoctorRow | undefined)[]> {
  return Promise.all([
    nodeRow(options),
    options.natsUrl === undefined ? ownNatsRow(options) : externalRow('nats-server', options.natsUrl, checkNats),
    options.databaseUrl === undefined ? ownPostgresRow() : externalRow('postgres', options.databaseUrl, checkPostgres),
    sandboxRow(options),
    dataDirRow(options.dataDir, owner),
    diskRow(options.dataDir, options.disk, options.natsUrl === undefined ? 'here' : 'elsewhere'),
    portRow(options.port, owner),
    modelRow(options.modelKeys),
    ...options.misspelt.map(misspeltRow),
  ])
}

const misspeltRow = ({ name, meant }: Misspelt): DoctorRow =>
  row('setting', 'warning', `${name} is not a setting of Reins, and has no effect`, `Did you mean ${meant}?`)

/** A line a row, and a line below where there is something to do. */
export function formatDoctor(rows: readonly DoctorRow[], { color }: { color: boolean }): string {
  const width = Math.max(...rows.map(({ what }) => what.length), 0)
  return rows
    .flatMap(({ what, status, found, hint }) => {
      const line = `${mark(status, color)} ${what.padEnd(width)}  ${found}`
      return hint === ''
        ? [line]
        : [line, `${' '.repeat(width + 4)}${color ? '\u001b[2m' : ''}-> ${hint}${color ? '\u001b[0m' : ''}`]
    })
    .join('\n')
}

function mark(status: DoctorRow['status'], color: boolean): string {
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text)
  switch (status) {
    case 'ok':
      return paint(32, '+')
    case 'warning':
      return paint(33, '!')
    case 'missing':
      return paint(31, 'x')
    default:
      return status satisfies never
  }
}

function nodeRow({ nodeVersion, minNodeVersion }: DoctorOptions): DoctorRow {
  return atLeast(nodeVersion, minNodeVersion)
    ? row('node', 'ok', nodeVersion)
    : row(
        'node',
        'missing',
        nodeVersion,
        `Reins needs Node ${minNodeVersion} or newer. Run "npm ci", which installs one for Reins, or install it yourself.`,
      )
}

async function ownNatsRow({ nats }: DoctorOptions): Promise<DoctorRow> {
  try {
    const found = await findNatsServer({ ...nats, log: () => {}, archive: 'none', debianScript: 'none' })
    return row('nats-server', 'ok', `${found.version} at ${found.path} (${found.how}, SHA-256 ${found.sha256})`)
  } catch (error) {
    if (nats.explicit !== undefined) return row('nats-server', 'missing', 'none', messageOf(error))
    return row(
      'nats-server',
      'warning',
      error instanceof NatsNotFound && error.tried.length > 0
        ? error.tried.join('; ')
        : `none yet on PATH or in ${nats.cacheDir}`,
      'The next start downloads one. Without a network, install nats-server >= 2.12, set REINS_NATS_SERVER=/path/to/nats-server, or set NATS_URL.',
    )
  }
}

async function externalRow(what: string, url: string, check: typeof checkNats): Promise<DoctorRow> {
  const result = await check(url)
  switch (result.kind) {
    case 'ok':
      return result.excess === undefined
        ? row(what, 'ok', `${result.version} at ${redactUrl(url)}`)
        : row(what, 'warning', `${result.version} at ${redactUrl(url)}`, result.excess)
    case 'failed':
      return row(what, 'missing', redactUrl(url), result.message)
    default:
      return result satisfies never
  }
}

function ownPostgresRow(): DoctorRow {
  try {
    const program = path.join(nativeFolder(), 'bin', 'postgres')
    accessSync(program, constants.X_OK)
    return row('postgres', 'ok', `embedded, ${program}`)
  } catch (error) {
    return row('postgres', 'missing', 'none', messageOf(error))
  }
}

function sandboxRow({ sandbox }: DoctorOptions): DoctorRow {
  const status = sandbox.kind === 'none' ? 'missing' : sandbox.missing === undefined ? 'ok' : 'warning'
  return row(
    'sandbox',
    status,
    sandbox.detail === sandbox.kind ? sandbox.kind : `${sandbox.kind}: ${sandbox.detail}`,
    sandbox.missing ?? '',
  )
}

function dataDirRow(dataDir: string, owner: Owner | undefined): DoctorRow {
  const folder = path.resolve(dataDir)
  if (owner !== undefined) {
    const at = owner.note === undefined ? '' : `, at ${owner.note}`
    return row('data folder', 'ok', `${folder}, in use by process ${owner.pid} since ${owner.since}${at}`)
  }
  if (existsSync(folder)) {
    try {
      accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EROFS')
        return row('data folder', 'missing', `${folder}, on a file system that may only be read`, hintFor('', 'EROFS'))
      return row(
        'data folder',
        'missing',
        `${folder}, where Reins may not write`,
        'Give the user who runs Reins the right to write there, or choose another folder with --data-dir.',
      )
    }
    if ((statSync(folder).mode & 0o077) === 0) return row('data folder', 'ok', folder)
    return row(
      'data folder',
      'warning',
      `${folder}, which other users may enter`,
      'The next start sets its mode to 700, if it is a data folder of Reins.',
    )
  }
  return row('data folder', 'ok', `${folder}, which the first start creates`)
}

async function portRow(port: number, owner: Owner | undefined): Promise<DoctorRow> {
  if (port === 0) return row('port', 'ok', 'any free one')
  if (await free(port)) return row('port', 'ok', `${port} is free`)
  if (owner?.note !== undefined && new RegExp(`:${port}(\\D|$)`).test(owner.note))
    return row('port', 'ok', `${port}, in use by this Reins`)
  return row(
    'port',
    'missing',
    `${port} is in use by another program`,
    'Choose another port with --port or REINS_PORT (0 takes any free one).',
  )
}

function free(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function modelRow(keys: DoctorOptions['modelKeys']): DoctorRow {
  const set = keys.filter((key) => key.set).map(({ name }) => name)
  if (set.length > 0) return row('model keys', 'ok', set.join(', '))
  const names = keys.map(({ name }) => name).join(' or ')
  return row('model keys', 'warning', 'none: the built-in scripted model answers', `To use a real model, set ${names}.`)
}

function row(what: string, status: DoctorRow['status'], found: string, hint = ''): DoctorRow {
  return { what, status, found, hint }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
