import { expect, test } from 'vitest'
import { shellAnswer, shellCall } from './shell-calls.ts'

const answer = (body: object, status = 'completed') => ({ status, output: JSON.stringify(body) })

test('a command is given as it is, and in a folder behind a step into it', () => {
  expect(shellCall('ls -l', undefined)).toEqual({ command: 'ls -l' })
  expect(shellCall('ls', { cwd: "it's" })).toEqual({ command: "cd -- 'it'\\''s' || exit 1\nls" })
})

test('its environment and its time are told to the shell', () => {
  const { command } = shellCall('echo $A', { cwd: 'src', env: { A: "it's" }, timeoutMs: 1500 })
  expect(command).toBe(
    `cd -- 'src' || exit 1\ntimeout -k 2 1.5 "\${BASH:-sh}" -c 'export A='\\''it'\\''\\'\\'''\\''s'\\''\necho $A'`,
  )
  expect(shellCall('ls', { env: { A: 'x' } }).command).toBe("export A='x'\nls")
})

test.each([
  ['an empty command', [' ', undefined], 'takes a command'],
  ['what it does not know', ['ls', { stdin: 'x' }], '"stdin" is no option of shell()'],
  ['a name that no variable has', ['ls', { env: { 'A;ls': 'x' } }], 'names of letters'],
  ['a variable that is no text', ['ls', { env: { A: 1 } }], 'names of letters'],
  ['a time that is none', ['ls', { timeoutMs: 0 }], 'a number of milliseconds above 0'],
  ['a folder that is none', ['ls', { cwd: 7 }], 'takes a command'],
  ['a signal that has aborted', ['ls', { signal: AbortSignal.abort(new Error('no more')) }], 'no more'],
] as const)('refused is %s', (_, [command, options], why) => {
  expect(() => shellCall(command, options)).toThrow(why)
})

test('what a command exits with is no error, and one that took too long has 124', () => {
  expect(shellAnswer(answer({ status: 'ok', exit_code: 3, stdout: 'a', stderr: 'b' }))).toEqual({
    ...{ stdout: 'a', stderr: 'b', exitCode: 3 },
  })
  const late = { status: 'error', error: 'timed out after 60 s; the command was killed', stdout: 'a', stderr: '' }
  expect(shellAnswer(answer(late, 'failed'))).toEqual({ stdout: 'a', stderr: '', exitCode: 124 })
})

test.each([
  ['failed', { status: 'error', error: 'the agent has no tool "shell"' }, 'shell-failed'],
  ['cancelled', { status: 'error', error: 'cancelled' }, 'shell-cancelled'],
  ['unknown', { status: 'error', error: 'it was cut off' }, 'shell-unknown'],
])('a command that was not run to its end (%s) throws', (status, body, code) => {
  expect(() => shellAnswer(answer(body, status))).toThrow(expect.objectContaining({ name: 'ShellError', code }))
  expect(() => shellAnswer({ status, output: 'no JSON' })).toThrow('no JSON')
})
