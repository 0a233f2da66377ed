// The hostile corpus: each case is tried, ends in an answer, and leaves no trace.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseDefinition, problemsText } from '@reins/registry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { allowedTargets } from './cases/decisions/allowed-targets.ts'
import { toolArguments } from './cases/calls/arguments.ts'
import { bodies } from './cases/doors/bodies.ts'
import { codeTools } from './cases/calls/code-tools.ts'
import { doorTricks } from './cases/doors/door-tricks.ts'
import { foreignPages } from './cases/doors/foreign-pages.ts'
import { forgedApprovals } from './cases/decisions/forged-approvals.ts'
import { hostileTokens } from './cases/doors/hostile-tokens.ts'
import { mcpServers } from './cases/servers/mcp-servers.ts'
import { pathEscapes } from './cases/calls/path-escapes.ts'
import { patterns } from './cases/calls/patterns.ts'
import { replays } from './cases/decisions/replays.ts'
import { schemaBombs } from './cases/servers/schemas.ts'
import { leftBehind, shellTricks } from './cases/calls/shell-tricks.ts'
import { slowRequests } from './cases/doors/slow-requests.ts'
import { symlinkRaces } from './cases/calls/symlink-races.ts'
import { toolNames } from './cases/servers/tool-names.ts'
import { yaml } from './cases/doors/yaml.ts'
import { type Case, canary, type Kind, type Run, type Tried, tryAll } from './corpus.ts'
import { kinds } from './kinds.ts'
import { tryAllowed, tryForged } from './runners/approvals.ts'
import { type BuiltinTools, builtinTools } from './runners/builtin-tools.ts'
import { codeRunner } from './runners/code.ts'
import { Doors } from './runners/doors.ts'
import { tryMisbehaviour, tryNamed, trySchema } from './runners/mcp.ts'
import { ForeignPages, noChromium } from './runners/pages.ts'
import { race } from './runners/race.ts'
import { SlowDoor } from './runners/slow-requests.ts'
import { TokenIssuer } from './runners/tokens.ts'
import { TrappedWorkspace } from './runners/workspace.ts'
import { failures, kindsTable, tally } from './tally.ts'

const all: Tried[] = []
async function tryKind<Input>(kind: Kind<Input>, run: Run<Input>, atOnce?: number): Promise<void> {
  const tried = await tryAll(kind, run, atOnce === undefined ? {} : { atOnce })
  all.push(...tried)
  expect(failures(tried)).toEqual([])
}

/** A kind in two: the cases that are so, and the rest. */
const partition = <Input>(
  kind: Kind<Input>,
  is: (one: Case<Input>) => boolean,
): readonly [Kind<Input>, Kind<Input>] => [
  { ...kind, cases: kind.cases.filter(is) },
  { ...kind, cases: kind.cases.filter((one) => !is(one)) },
]

/** More than all that the cases keep at once, and less than what one of them asks for without end. */
const mostMemory = 2 * 1024 ** 3

let workspace: TrappedWorkspace
let tools: BuiltinTools
/** Whose commands may take 3 s: for those that do not end by themselves. */
let hurried: BuiltinTools
let doors: Doors
let before: string
let issuer: TokenIssuer
beforeAll(async () => {
  // What this process has in its environment is nobody's business.
  process.env.REINS_HOSTILE = canary
  workspace = new TrappedWorkspace()
  writeFileSync(path.join(workspace.path, 'many-a.txt'), `${'a'.repeat(100_000)}b\n`)
  writeFileSync(path.join(workspace.path, 'edit.txt'), 'one\n')
  tools = await builtinTools(workspace, 60)
  hurried = await builtinTools(workspace, 3)
  issuer = await TokenIssuer.start()
  doors = await Doors.start({
    ...{ REINS_OIDC_ISSUER: issuer.url, REINS_OIDC_AUDIENCE: 'reins', REINS_OIDC_ROLES: 'admins=admin' },
    // Each case is to be refused for what it is.
    REINS_WRONG_TOKENS_PER_MINUTE: '0',
  })
  before = await doors.trace()
})
afterAll(async () => {
  await tools.close()
  await hurried.close()
  expect(await doors.trace()).toBe(before)
  expect(await doors.close()).toEqual([])
  await issuer.close()
  expect(workspace.changes).toBe('')
  workspace.remove()
  delete process.env.REINS_HOSTILE
  expect(process.memoryUsage().rss).toBeLessThan(mostMemory)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  process.stdout.write(`\n${tally(all)}\n`)
})

test('README.md says how many cases there are of each kind', async () => {
  const readme = path.join(import.meta.dirname, 'README.md')
  const table = `<!-- kinds -->\n${kindsTable(kinds)}\n<!-- /kinds -->`
  const written = readFileSync(readme, 'utf8').replace(/<!-- kinds -->[\s\S]*<!-- \/kinds -->/, table)
  await expect(written).toMatchFileSnapshot(readme)
})

test('paths stay in the workspace', () => tryKind(pathEscapes, (input) => tools.call(workspace.filled(input))))
test('links that change lead nowhere else', () => tryKind(symlinkRaces, (input) => race(input, tools, workspace), 3))
test('patterns end', () => tryKind(patterns, (input) => tools.call(input)))
test('calls that are wrong are told what is wrong', () => tryKind(toolArguments, (input) => tools.call(input)))

// These two wait more than they work.
test.concurrent('commands stay in the sandbox, and nothing of them is left', async ({ skip }) => {
  if (tools.sandbox.kind === 'none') skip(`no command runs here: ${tools.sandbox.detail}`)
  const run = (by: BuiltinTools) => (command: string) =>
    by.call({ tool: 'shell', args: { command: workspace.filled(command) } })
  const [endless, others] = partition(shellTricks, ({ expected }) => expected.test('error timeout: '))
  await Promise.all([tryKind(endless, run(hurried), 3), tryKind(others, run(tools), 3)])
  await eventually(async () => processesWith(leftBehind).length === 0)
}, 300_000)
test.concurrent('servers cost their own tools and no more', () => tryKind(mcpServers, tryMisbehaviour, 16), 300_000)

test('schemas of servers end', () => tryKind(schemaBombs, trySchema))
test('names of tools steer nobody', () => tryKind(toolNames, tryNamed))
test(
  'code of users reads nothing that is not its own',
  () => tryKind(codeTools, codeRunner(codeTools, path.join(workspace.outside, 'secret.txt'))),
  300_000,
)
test('patterns that allow speak for nothing else', () => tryKind(allowedTargets, tryAllowed))
test('forged decisions change nothing', () => tryKind(forgedApprovals, tryForged))

test('requests are refused, and change nothing', () => tryKind(bodies, (request) => doors.tryRequest(request)))
test('decisions count once, for what they are about', () => tryKind(replays, (replay) => doors.tryReplay(replay)))

test('tokens are refused, and nothing that they name is fetched', async () => {
  expect(await doors.tryToken(issuer.token())).toMatch(/^200 .*"roles":\["admin"\]/)
  await tryKind(hostileTokens, (trick) => doors.tryToken(issuer.token(trick)))
  expect(issuer.lured).toEqual([])
  expect(await doors.tryToken(issuer.token())).toMatch(/^200 /)
})
test('requests by hand are refused, and each is one request', () =>
  tryKind(doorTricks, (bytes) => doors.tryRaw(bytes), 8))
test('requests that never end are ended, and others are served meanwhile', async () => {
  const door = await SlowDoor.start()
  await tryKind(slowRequests, (request) => door.try(request), 16)
  expect(await door.close()).toEqual([])
})
test('foreign pages read nothing and change nothing', async ({ skip }) => {
  if (noChromium !== undefined) skip(noChromium)
  const pages = await ForeignPages.start(doors.target)
  try {
    await tryKind(foreignPages, (trick) => pages.try(trick), 2)
  } finally {
    await pages.close()
  }
}, 300_000)

test('definitions are taken as they are meant, or refused', () =>
  tryKind(yaml, async (input) => {
    const parsed = parseDefinition({ yaml: input })
    if (parsed.kind === 'invalid') return `invalid: ${problemsText(parsed.problems)}`
    return `valid: ${JSON.stringify(parsed.definition)}`
  }))

/** Command lines of this machine's processes that hold the word. */
function processesWith(word: string): readonly string[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return ids.flatMap((id) => {
    try {
      const command = readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return command.includes(word) && !command.includes('vitest') ? [command] : []
    } catch {
      return []
    }
  })
}
