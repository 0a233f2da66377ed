// A hostile model, and what must stay inside: no tool reaches the data folder, the service's environment, other processes or the
// network; no secret is in anything that is shown or stored; nothing listens beyond this machine.
import { readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { filesBelow } from '../harness/files-with.ts'
import { modelKey, Product } from './product.ts'

let product: Product
const secrets: string[] = []

beforeAll(async () => {
  product = await Product.start({ REINS_ALLOW_NESTED_WORKSPACES: '1' })
  const passwords = readdirSync(product.dataDir).filter((name) => name.endsWith('.password'))
  secrets.push(modelKey, product.token)
  for (const name of [...passwords, 'postgres/password'])
    secrets.push(readFileSync(path.join(product.dataDir, name), 'utf8').trim())
  symlinkSync(product.dataDir, path.join(product.workspace, 'link'))
  symlinkSync(product.dataDir, path.join(product.folder, 'data-link'))
})

afterAll(async () => {
  await eventually(async () => (await product.ask('GET', '/health')).json.status === 'ok')
  expect(await product.close()).toEqual([])
})

let agents = 0
async function sessionIn(workspace: string): Promise<string> {
  const name = `agent-${++agents}`
  await product.agent(name, workspace)
  return product.session(name)
}

/** What can be read of a session from outside. */
const shown = async (session: string) => (await product.ask('GET', `/v1/sessions/${session}/events?limit=1000`)).text

async function tries(session: string, messages: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = []
  for (const message of messages) answers.push(await product.turn(session, message))
  const text = await shown(session)
  for (const secret of secrets) expect(text).not.toContain(secret)
  return answers
}

describe('the data folder', () => {
  test.each<[string, () => string]>([
    ['is the workspace', () => product.dataDir],
    ['holds the workspace', () => path.join(product.dataDir, 'nats')],
  ])('%s: every tool refuses', async (_what, workspace) => {
    const session = await sessionIn(workspace())
    for (const answer of await tries(session, ['read admin.token', 'list', '!shell cat admin.token', 'write x: y']))
      expect(answer).toContain('no tool may see')
  })

  test('is the workspace by a link: every tool refuses', async () => {
    const session = await sessionIn(path.join(product.folder, 'data-link'))
    for (const answer of await tries(session, ['read admin.token', 'list', '!shell cat admin.token', 'write x: y']))
      expect(answer).toMatch(/no tool may see|goes through a symbolic link/)
  })

  test('lies in the workspace: nobody finds it there', async () => {
    const session = await sessionIn(product.folder)
    const [list, token, link, write, grep, shell] = await tries(session, [
      'list',
      'read .reins/admin.token',
      'read work/link/admin.token',
      'write .reins/x: y',
      'call grep {"pattern":"reins_admin"}',
      '!shell cat .reins/admin.token data-link/admin.token work/link/admin.token; ls -A .reins; rmdir .reins; mv .reins x',
    ])
    expect(list).not.toContain('.reins')
    for (const answer of [token, link, write]) expect(answer).toContain('no tool may see')
    expect(grep).toContain('\\"matches\\":[]'.replaceAll('\\', ''))
    expect(shell).toMatch(/"stdout":""|failed/)
    expect(readdirSync(product.dataDir)).toContain('admin.token')
  })

  test('is no way from the root of the machine either, nor is the environment of the service', async () => {
    const session = await sessionIn('/')
    const answers = await tries(session, [
      `read ${product.dataDir}/admin.token`,
      `read /proc/self/cwd${product.dataDir}/admin.token`,
      'read /proc/self/environ',
      `read /proc/${process.pid}/environ`,
      'list /sys',
      '!shell id',
    ])
    for (const answer of answers) expect(answer).toMatch(/no tool may see|cannot use \/ as its workspace|no sandbox/)
  })
})

test('a command sees its own processes, its own environment, no network, and leaves nothing behind', async ({
  skip,
}) => {
  const { sandbox } = (await product.ask('GET', '/health')).json
  if (sandbox.startsWith('none') || sandbox.startsWith('no sandbox')) skip(`no command runs here: ${sandbox}`)
  const session = await sessionIn(product.workspace)
  const [environment, processes, network, outside] = await tries(session, [
    '!shell env | cut -d= -f1 | sort',
    '!shell cat /proc/*/cmdline | tr "\\0" " "; ls /root /home /var/lib 2>&1',
    `!shell (exec 3<>/dev/tcp/127.0.0.1/${product.port}) 2>/dev/null && echo open || echo shut`,
    '!shell cat link/admin.token ../.reins/admin.token; kill -9 -1',
  ])
  expect(environment).not.toMatch(/KEY\b(?<!IDEMPOTENCY_KEY)|TOKEN|NATS|DATABASE/)
  expect(processes).not.toMatch(/nats-server|postgres|vitest/)
  expect(network).toContain('"stdout":"shut\\n"')
  expect(outside).not.toContain('reins_admin_')
})

test('what a model writes cannot drive the terminal of who reads it', async () => {
  const session = await sessionIn(product.workspace)
  await product.turn(session, 'say \u001b[2J\u001b]52;c;AAAA\u0007\u009b31m done')
  for (const words of [
    ['session', 'list'],
    ['session', 'events', session],
    ['session', 'replay', session, '--speed', '100'],
  ]) {
    // The list follows the sessions a moment later.
    const { code, out } = await eventually(async () => {
      const said = await product.cli(...words)
      return said.out.includes('done') && said
    })
    expect(code).toBe(0)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
  }
})

describe('secrets', () => {
  test('that a tool brings up are masked in answers, deltas and the log of the session', async () => {
    const session = await sessionIn(product.workspace)
    writeFileSync(path.join(product.workspace, 'key.txt'), `key=${modelKey}\n`)
    const [file, shell] = await tries(session, [
      'read key.txt',
      `!shell cat key.txt; printf ${modelKey.slice(0, 9)}; sleep 0.1; printf %s ${modelKey.slice(9)}`,
    ])
    expect(file).toContain('key=[redacted]')
    expect(shell).toMatch(/key=\[redacted\]|no sandbox/)
  })

  test('are in no answer of the API, in no log, in no store of the broker', async () => {
    const created = await product.ask('POST', '/v1/sessions', { agent: 'assistant', message: 'nobody answers this' })
    const { id } = created.json.session
    await eventually(async () => /model-call\.(throttled|failed)/.test(await shown(id)))
    expect(await shown(id)).not.toContain(modelKey)
    const answers: string[] = []
    for (const target of ['/health', '/ready', '/metrics', '/openapi.json', '/v1/pools', '/v1/agents', '/v1/sessions'])
      answers.push((await product.ask('GET', target)).text)
    const logs = readFileSync(path.join(product.dataDir, 'logs', 'reins.log'), 'latin1')
    const stored = [...filesBelow(path.join(product.dataDir, 'nats', 'jetstream'))].map(({ bytes }) =>
      bytes.toString('latin1'),
    )
    expect(stored.length).toBeGreaterThan(5)
    for (const secret of secrets)
      for (const text of [...answers, logs, ...stored]) expect(text.includes(secret)).toBe(false)
  })

  test('are in files that only their owner may read', () => {
    const mode = (file: string) => (statSync(path.join(product.dataDir, file)).mode & 0o777).toString(8)
    expect(mode('.')).toBe('700')
    for (const file of ['admin.token', 'servers.json', 'reins.password', 'nats/nats.conf', 'logs/reins.log'])
      expect([file, mode(file)]).toEqual([file, '600'])
    expect(mode('postgres/cluster')).toBe('700')
  })
})

test('what a shell says beyond its limit is kept whole, masked, and read back over HTTP and by the command', async () => {
  const session = await sessionIn(product.workspace)
  writeFileSync(path.join(product.workspace, 'key.txt'), `${modelKey}\n`)
  await product.turn(session, '!shell cat key.txt; seq 1 60000')
  const events: { type: string; data: { call: string; ref?: string; output: string } }[] = (
    await product.ask('GET', `/v1/sessions/${session}/events?limit=1000`)
  ).json.events
  const { call = '', ref = '', output = '' } = events.find(({ type }) => type === 'tool-call.completed')?.data ?? {}
  expect(output).toContain(`characters left out; the whole output is kept as ${ref}`)

  const route = `/v1/sessions/${session}/outputs`
  const whole = `${Array.from({ length: 60_000 }, (_, i) => i + 1).join('\n')}\n`
  for (const named of [ref, call]) {
    const { status, text } = await product.ask('GET', `${route}/${named}`)
    expect([status, text.includes(modelKey), text.endsWith(whole)]).toEqual([200, false, true])
  }
  const cli = await product.cli('session', 'output', session, call)
  expect([cli.code, cli.err, cli.out === (await product.ask('GET', `${route}/${ref}`)).text]).toEqual([0, '', true])
  const json = await product.cli('session', 'output', session, ref, '--json')
  expect(JSON.parse(json.out)).toMatchObject({ session, ref, output: cli.out })

  const stranger = await sessionIn(product.workspace)
  expect((await product.ask('GET', `/v1/sessions/${stranger}/outputs/${ref}`)).status).toBe(404)
  expect((await product.cli('session', 'output', stranger, ref)).code).not.toBe(0)
})

test.runIf(process.platform === 'linux')('nothing listens beyond this machine', () => {
  const listening = product.pids.flatMap(addressesOf)
  expect(listening.length).toBeGreaterThanOrEqual(3)
  for (const address of listening) expect(address).toBe('127.0.0.1')
})

/** Where a process listens, from Linux's /proc. */
function addressesOf(pid: number): readonly string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.slice(1) ?? []
      } catch {
        return [] // closed meanwhile
      }
    }),
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode ?? ''))
      .map(([, local = '']) => addressOf(local.split(':')[0] ?? '')),
  )
}

/** `0100007F` is 127.0.0.1; of IPv6 only that it is. */
const addressOf = (hex: string): string =>
  hex.length === 8 ? [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.') : `IPv6 ${hex}`
