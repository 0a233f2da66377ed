// `npm run chaos -- --minutes 10 --seed 7`: exit code 1 if anything was lost, repeated, stuck, or against the rules.
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock } from '@reins/service'
import { runChaos } from './chaos.ts'
import { describe, failed } from './report.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    clients: { type: 'string', default: '8' },
    /** Nothing but trees of 85 sessions, one after the other for each client. */
    'whole-trees': { type: 'boolean', default: false },
    /** ms from one fault to the next, about. */
    every: { type: 'string', default: '800' },
    /** Where the whole log, and who was hit when, is written as lines of JSON, to be studied. */
    keep: { type: 'string' },
  },
})
const number = (name: string, text: string): number => {
  const value = Number(text)
  if (text !== '' && Number.isFinite(value) && value >= 0) return value
  process.stderr.write(`chaos: --${name} must be a number, such as --${name} 7\n`)
  process.exit(2)
}
const seconds = values.seconds ? number('seconds', values.seconds) : number('minutes', values.minutes ?? '1') * 60
const report = await runChaos({
  seconds,
  seed: values.seed === undefined ? randomInt(1_000_000) : number('seed', values.seed),
  clients: number('clients', values.clients),
  wholeTrees: values['whole-trees'],
  everyMs: number('every', values.every),
  now: systemClock.now,
  say: (line) => process.stderr.write(`${line}\n`),
})
if (values.keep) {
  const lines = [...report.hits, ...report.log].map((one) => JSON.stringify(one))
  writeFileSync(values.keep, `${lines.join('\n')}\n`)
}
process.stdout.write(`${describe(report)}\n`)
process.exit(failed(report) ? 1 : 0)
