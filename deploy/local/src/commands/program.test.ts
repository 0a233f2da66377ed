// What holds of every command of `reins`, and docs/cli.md, which is written from them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CliContext, cliReference, loadCliEnvironment, processContext, runProgram } from '@reins/cli'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { reinsProgram } from './program.ts'
import { verifierWith } from './verify.ts'

async function reins(...words: string[]) {
  const said = { out: '', err: '' }
  const writer = (to: 'out' | 'err'): CliContext['stdout'] => ({
    write: (text) => {
      said[to] += text
      return true
    },
    on: () => undefined,
    off: () => undefined,
  })
  // Nobody listens at port 1.
  const env = { ...loadCliEnvironment({}), url: 'http://127.0.0.1:1' }
  const real = processContext({ now: () => 0, readAdminToken: async () => undefined, verify: verifierWith('.'), env })
  const context = { ...real, stdout: writer('out'), stderr: writer('err') }
  const program = reinsProgram(context, '1.2.3')
  const code = words.length === 0 ? 0 : await runProgram(program, words, context)
  return { code, ...said, program }
}

interface Leaf {
  readonly words: readonly string[]
  readonly command: Command
}

const leaves = (command: Command, words: readonly string[] = []): Leaf[] => {
  const below = command.createHelp().visibleCommands(command)
  const named = below.filter((one) => one.name() !== 'help')
  return named.length === 0 ? [{ words, command }] : named.flatMap((one) => leaves(one, [...words, one.name()]))
}
const flagsNeeded: Readonly<Record<string, readonly string[]>> = {
  'agent create': ['--model', 'scripted/assistant'],
  'agent apply': ['--file', join(import.meta.dirname, '../../../../examples/coder.yaml')],
  'elicitations answer': ['--accept'],
  'agent update': ['--model', 'scripted/assistant'],
  'webhook create': ['--on', 'turn.failed'],
  connect: ['-m', 'hi'],
  'session erase': ['--yes'],
  'session verify': ['--all'],
  'role create': ['--permission', 'agent:*:read'],
  'role update': ['--permission', 'agent:*:read'],
  'principal grant': ['--role', 'viewer'],
  'principal revoke': ['--role', 'viewer'],
  'database setup': ['--registry', 'registry.url', '--memory', 'memory.url'],
}
/** Arguments that are optional, and without which a command would wait for somebody. */
const valuesNeeded: Readonly<Record<string, readonly string[]>> = {
  'secret set': ['a value'],
  'memory forget': ['key'],
}
const commands = leaves((await reins()).program).map(({ words, command }) => ({
  name: words.join(' '),
  words,
  /** With what the command needs. */
  complete: [
    ...words,
    ...(flagsNeeded[words.join(' ')] ?? []),
    ...command.registeredArguments.flatMap((one) => (one.required ? [one.argChoices?.[0] ?? 'x1'] : [])),
    ...(valuesNeeded[words.join(' ')] ?? []),
  ],
}))

describe.each(commands)('reins $name', ({ words, complete }) => {
  test('has help with examples, and --json', async () => {
    const { code, out, err } = await reins(...words, '--help')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(new RegExp(`Examples:\n  \\$ .*reins ${words.join(' ')}`))
    expect(out).toContain('--json')
  })
  test('refuses a flag that it does not know, with exit code 2', async () => {
    const { code, out, err } = await reins(...complete, '--no-such-flag')
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain("unknown option '--no-such-flag'")
  })
})

const asking = commands.filter(
  ({ name }) =>
    !/^(up|service|rebuild-index|backup|restore|doctor|completion|chat|agent start|memory import|skill validate|init|test|dev|build|deploy|streams split|database setup|keys rotate|auth (status|logout))$/.test(
      name,
    ),
)
test.each(asking)('reins $name fails with exit code 1 where nothing listens', async ({ complete }) => {
  const run = await reins(...complete)
  expect([run.code, run.out]).toEqual([1, ''])
  expect(run.err).toContain('reins: ')
  const json = await reins(...complete, '--json')
  expect([json.code, json.out]).toEqual([1, ''])
  expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'unavailable' } })
})

test.each([
  [['up', '--port', 'many'], '--port "many" is not valid. Give a whole number from 0 to 65535, such as --port 7420'],
  [['up', '--durability', 'never'], 'Allowed choices are fsync, interval'],
  [['service', 'nothing'], 'Allowed choices are registry, '],
  [['up', 'down'], 'too many arguments'],
])('reins %j is wrong usage, with exit code 2', async (words, why) => {
  const { code, out, err } = await reins(...words)
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(why)
})

test('docs/cli.md is in step with the commands (vitest -u writes it anew)', async () => {
  const head = readFileSync(new URL('./cli-head.md', import.meta.url), 'utf8')
  const { program } = await reins()
  await expect(`${head}\n${cliReference(program)}`).toMatchFileSnapshot('../../../../docs/cli.md')
})
