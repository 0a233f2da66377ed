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
  return execFileSync(process.execPath, [script, ...files], { encoding: 'utf8' })
}

const green = { success: true, numPassedTests: 7, numFailedTests: 0, numPendingTests: 3, testResults: [] }

test('adds reports up, and leaves out what was skipped', () => {
  expect(count(green)).toBe('7 passed, 0 failed\n')
  const red = {
    success: false,
    numPassedTests: 2,
    numFailedTests: 1,
    testResults: [{ status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] }],
  }
  expect(count(green, red)).toBe('9 passed, 1 failed\n')
})

test('counts what failed without a failed test', () => {
  const unloadable = { ...green, success: false, testResults: [{ status: 'failed', assertionResults: [] }] }
  expect(count(unloadable)).toBe('7 passed, 1 failed\n')
  expect(count({ ...green, success: false })).toBe('7 passed, 1 failed\n')
  expect(count(green, undefined)).toBe('7 passed, 1 failed\n')
  expect(count('{"cut')).toBe('0 passed, 1 failed\n')
})
