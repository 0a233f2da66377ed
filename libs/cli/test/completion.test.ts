import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { candidates } from '../src/commands/completion.ts'
import { asTyped } from '../src/failure.ts'
import { clientProgram, runProgram } from '../src/program.ts'
import { commandList } from '../src/reference.ts'
import { fakeContext, fakeServer, sessionId } from './fakes.ts'

const program = () => clientProgram(fakeContext(fakeServer().client))

describe('completion', () => {
  test.each([
    [
      [''],
      {
        words: [
          'agent',
          'approvals',
          'audit',
          'auth',
          'build',
          'chat',
          'completion',
          'config',
          'connect',
          'deliver',
          'deploy',
          'dev',
          'elicitations',
          'init',
          'logs',
          'mcp',
          'memory',
          'pool',
          'principal',
          'project',
          'role',
          'rollback',
          'run',
          'schedule',
          'secret',
          'session',
          'skill',
          'test',
          'token',
          'usage',
          'webhook',
        ],
      },
    ],
    [['se'], { words: ['secret', 'session'] }],
    [['session', 're'], { words: ['release', 'replay', 'restore', 'resume'] }],
    [['agent', 'create', 'x', '--max'], { words: ['--max-tokens', '--max-tool-calls'] }],
    [['agent', 'create', 'x', '--reasoning-effort', ''], { words: ['high', 'low', 'medium'] }],
    [['agent', 'create', 'x', '--file', ''], { words: [], wanted: 'file' }],
    [['agent', 'show', ''], { words: [], wanted: 'agent' }],
    [['--server', 'http://x', 'session', 'open', ''], { words: [], wanted: 'session' }],
    [['chat', '--session', '01'], { words: [], wanted: 'session' }],
    [['chat', '-a', ''], { words: [], wanted: 'agent' }],
    [['secret', 'remove', ''], { words: [], wanted: 'secret' }],
    [['config', 'get', ''], { words: [], wanted: 'config' }],
    [['skill', 'list', ''], { words: [], wanted: 'agent' }],
    [['skill', 'validate', ''], { words: [], wanted: 'file' }],
    [['webhook', 'test', ''], { words: [], wanted: 'webhook' }],
    [['completion', ''], { words: ['bash', 'fish', 'zsh'] }],
    [['session', 'open', 'x', ''], { words: [] }],
    [['connect', ''], { words: [], wanted: 'agent' }],
    [['run', ''], { words: [], wanted: 'workflow' }],
    [['logs', ''], { words: [], wanted: 'run' }],
  ])('%j', (typed, expected) => expect(candidates(program(), typed)).toEqual({ wanted: undefined, ...expected }))

  test('asks the server for names, and is silent where it is away', async () => {
    const server = fakeServer()
    const context = fakeContext(server.client, { sleep: () => new Promise(() => undefined) })
    await runProgram(clientProgram(context), ['__complete', '--', 'session', 'open', '01'], context)
    expect(context.stdout.text).toBe(`${sessionId}\n`)
    server.client.agents.list = () => Promise.reject(new Error('away'))
    const silent = fakeContext(server.client, { sleep: () => new Promise(() => undefined) })
    expect(await runProgram(clientProgram(silent), ['__complete', '--', 'agent', 'show', ''], silent)).toBe(0)
    expect([silent.stdout.text, silent.stderr.text]).toEqual(['', ''])
  })
  test.each(['bash', 'zsh', 'fish'])('there is a script for %s', async (shell) => {
    const context = fakeContext(fakeServer().client)
    await runProgram(clientProgram(context), ['completion', shell], context)
    expect(context.stdout.text).toContain('reins __complete -- ')
  })
})

describe('the README is in step with the commands (vitest -u writes it anew)', () => {
  test('README.md', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const list = `<!-- commands -->\n${commandList(program())}\n<!-- /commands -->`
    const inStep = readme.replace(/<!-- commands -->.*<!-- \/commands -->/s, list)
    await expect(inStep).toMatchFileSnapshot('../README.md')
  })
})

test('each command that a text names is shown as this person types it', () => {
  for (const name of program()
    .commands.map((command) => command.name())
    .filter((name) => !name.startsWith('_')))
    expect(asTyped(`Try it: reins ${name} x`, 'npx reins')).toBe(`Try it: npx reins ${name} x`)
})
