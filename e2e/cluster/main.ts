// `npm run cluster -- --rounds 5`: exit code 1 if anything was lost, repeated, stuck, or against the rules.
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock } from '@reins/service'
import { describe, failed } from '../chaos/report.ts'
import { type OutageKind, outageKinds } from './outages.ts'
import { runCluster } from './run-cluster.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '6' },
    /** One kind of outage, in place of all. */
    only: { type: 'string' },
    seed: { type: 'string' },
    /** Where the whole log, and who was hit when, is written as lines of JSON, to be studied. */
    keep: { type: 'string' },
  },
})
const keysOf = (all: typeof outageKinds) => Object.keys(all) as OutageKind[]
const count = (name: string, text: string): number => {
  if (/^[0-9]{1,6}$/.test(text)) return Number(text)
  process.stderr.write(`cluster: --${name} must be a whole number, such as --${name} 3\n`)
  process.exit(2)
}
const kinds = keysOf(outageKinds).filter((kind) => values.only === undefined || kind === values.only)
if (kinds.length === 0) {
  process.stderr.write(`cluster: --only must be one of ${Object.keys(outageKinds).join(', ')}\n`)
  process.exit(2)
}
const report = await runCluster({
  kinds,
  rounds: count('rounds', values.rounds),
  clients: count('clients', values.clients),
  seed: values.seed === undefined ? randomInt(1_000_000) : count('seed', values.seed),
  now: systemClock.now,
  say: (line) => process.stderr.write(`${line}\n`),
})
if (values.keep)
  writeFileSync(values.keep, `${[...report.hits, ...report.log].map((one) => JSON.stringify(one)).join('\n')}\n`)
const outages = report.outages.map(
  ({ what, longestTurnMs }) => `outage       ${what}: longest turn ${longestTurnMs} ms`,
)
process.stdout.write(`${[...outages, `turns        p50 ${report.medianTurnMs} ms`, describe(report)].join('\n')}\n`)
process.exit(failed(report) || report.untold.length > 0 || report.endedByThemselves.length > 0 ? 1 : 0)
