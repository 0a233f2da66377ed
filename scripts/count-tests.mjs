// Prints each failed test with the first lines of its error and, last, `N passed, N failed`, from reports of vitest's JSON reporter,
// given as files. Old syntax: it runs on any Node.
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

const linesOfError = 12

/** What failed, a text each: the file, the test's whole name, the beginning of its error. `root` is left out of the paths. */
export function failures(text, root) {
  let report
  try {
    report = JSON.parse(text)
  } catch {
    return ['a report that was never written']
  }
  return (report.testResults || []).reduce((found, { name = '', status, message = '', assertionResults = [] }) => {
    const file = name.replace(`${root}/`, '')
    const failed = assertionResults.filter((one) => one.status === 'failed')
    if (failed.length === 0 && status === 'failed') found.push(`${file}\n${beginning(message)}`)
    for (const { fullName, failureMessages = [] } of failed)
      found.push(`${file}: ${fullName}\n${beginning(failureMessages.join('\n'))}`)
    return found
  }, [])
}

const beginning = (message) =>
  message
    .split('\n')
    .slice(0, linesOfError)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n')

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const reports = process.argv.slice(2).map(read)
  for (const report of reports) for (const failure of failures(report, process.cwd())) console.log(`FAILED ${failure}`)
  const counts = reports.map(countTests)
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
}
