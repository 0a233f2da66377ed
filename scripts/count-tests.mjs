// Prints `N passed, N failed` from reports of vitest's JSON reporter, given as files. Old syntax: it runs on any Node.
//   C1. What was skipped is neither passed nor failed.
//   C2. What failed without a failed test counts as one failure each: a file that could not be loaded, a run that failed for another
//       reason (an unhandled error), a report that was never written.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of one report's text; undefined for one that was never written. */
export function countTests(text) {
  let report
  try {
    report = JSON.parse(text)
  } catch {
    return { passed: 0, failed: 1 }
  }
  const files = report.testResults ?? []
  const broken = files.filter(
    ({ status, assertionResults = [] }) =>
      status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  )
  const failed = (report.numFailedTests ?? 0) + broken.length
  return { passed: report.numPassedTests ?? 0, failed: failed === 0 && report.success !== true ? 1 : failed }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const counts = process.argv.slice(2).map((file) => countTests(read(file)))
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
}
