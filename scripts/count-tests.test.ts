import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** What the script says of these reports; undefined stands for one that was never written. */
function count(...reports: (object | string | undefined)[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-count-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const files = reports.map((report, index) => {
    const file = path.join(folder, `${index}.json`)
    if (report !== undefined) writeFileSync(file, typeof report === 'string' ? report : JSON.stringify(report))
    return file
  })
  const script = path.join(import.meta.dirname, 'count-tests.mjs')
  return execFileSync(process.execPath, [script, ...files], { encoding: 'utf8', cwd: folder })
}

const lastLine = (text: string): string | undefined => text.trimEnd().split('\n').at(-1)

const green = { success: true, numPassedTests: 7, numFailedTests: 0, numPendingTests: 3, testResults: [] }

test('adds reports up, and leaves out what was skipped', () => {
  expect(count(green)).toBe('7 passed, 0 failed\n')
  const red = {
    success: false,
    numPassedTests: 2,
    numFailedTests: 1,
    testResults: [{ status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] }],
  }
  expect(lastLine(count(green, red))).toBe('9 passed, 1 failed')
})

test('counts what failed without a failed test', () => {
  const unloadable = { ...green, success: false, testResults: [{ status: 'failed', assertionResults: [] }] }
  expect(lastLine(count(unloadable))).toBe('7 passed, 1 failed')
  expect(lastLine(count({ ...green, success: false }))).toBe('7 passed, 1 failed')
  expect(lastLine(count(green, undefined))).toBe('7 passed, 1 failed')
  expect(lastLine(count('{"cut'))).toBe('0 passed, 1 failed')
})

test('names what failed, and how it begins to say why, before the count', () => {
  const failed = {
    status: 'failed',
    fullName: 'a runner runs',
    failureMessages: ['AssertionError: 1 is not 2\n    at x'],
  }
  const red = {
    success: false,
    numPassedTests: 1,
    numFailedTests: 1,
    testResults: [
      { name: 'libs/a.test.ts', status: 'failed', assertionResults: [failed] },
      { name: 'libs/b.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
    ],
  }
  expect(count(red)).toBe(
    'FAILED libs/a.test.ts: a runner runs\n    AssertionError: 1 is not 2\n        at x\nFAILED libs/b.test.ts\n    no such module\n1 passed, 2 failed\n',
  )
})
