import { expect, test } from 'vitest'
import { commandOutput, readableOutput } from './tool-output.ts'

test('the output of a command is what it printed', () => {
  expect(commandOutput('{"status":"ok","exit_code":2,"stdout":"a\\nb\\n","stderr":"oh"}')).toEqual({
    ...{ stdout: 'a\nb\n', stderr: 'oh', exitCode: 2 },
  })
  expect(commandOutput('plain text')).toBeUndefined()
})

test('a file that was read is its text, everything else is JSON that can be read', () => {
  expect(readableOutput('{"status":"ok","path":"a.txt","content":"Hello\\n"}')).toBe('Hello\n')
  expect(readableOutput('{"status":"ok","replacements":1}')).toBe('{\n  "status": "ok",\n  "replacements": 1\n}')
  expect(readableOutput('{half')).toBe('{half')
})
