// `npm run bench`: the product against the budgets of its design. It prints a table and writes JSON; it never fails for a figure.
//   - Rounds are interleaved: every configuration once, then all again, each visit with its own raw costs.
//   - Figures are medians over the rounds; the quietest round stands beside them, since a shared machine is never quiet for long.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import path from 'node:path'
import { measureBeside, type SideBySide } from './beside/beside.ts'
import { parseOptions } from './options.ts'
import { closeProducts } from './product/product.ts'
import { compare, formatComparison, savedVisits } from './report/against.ts'
import { formatSideBySide } from './report/side-by-side.ts'
import { formatTable } from './report/table.ts'
import { type Visit, visit } from './report/visit.ts'

const parsed = parseOptions(process.argv.slice(2))
if (parsed.kind !== 'ok') {
  const text = parsed.kind === 'help' ? (await import('./options.ts')).usage : parsed.message
  process.stderr.write(`${text}\n`)
  process.exit(parsed.kind === 'help' ? 0 : 2)
}
const { options } = parsed
const say = (line: string): void => void process.stderr.write(`${line}\n`)
let before: readonly Visit[] = []
try {
  if (options.against !== undefined) before = savedVisits(options.against)
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exit(2)
}
const startedAt = new Date()
const visits: Visit[] = []

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void closeProducts().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143)))

function write(measured: { readonly visits: readonly Visit[] } | SideBySide): string {
  const stamp = startedAt.toISOString().slice(0, 19).replaceAll(':', '-')
  const file = path.resolve(options.out ?? path.join('bench-results', `${stamp}.json`))
  mkdirSync(path.dirname(file), { recursive: true })
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpus: cpus().length,
    model: cpus()[0]?.model,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    loadAverage: loadavg(),
  }
  const result = { startedAt: startedAt.toISOString(), options, machine, ...measured }
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  return file
}

if (options.beside !== undefined) {
  try {
    const { names, rounds, restarts } = await measureBeside(options.beside, options, say)
    process.stdout.write(`${formatSideBySide(names, rounds, restarts)}\n`)
    process.stdout.write(`JSON: ${write({ names, rounds, restarts })}\n`)
    process.exit(0)
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    process.exit(1)
  }
}

for (let round = 1; round <= options.rounds; round++)
  for (const processes of options.processes)
    for (const durability of options.durabilities) {
      say(
        `round ${round} of ${options.rounds}: ${durability}, ${processes === 'one' ? 'one process' : 'five processes'}`,
      )
      try {
        visits.push(await visit(options, round, durability, processes, say))
      } catch (error) {
        say(`  could not be visited: ${error instanceof Error ? error.message : String(error)}`)
      }
      write({ visits })
    }

const loads = visits.map(({ loadAverage }) => loadAverage.toFixed(1)).join(', ')
process.stdout.write(`${formatTable(visits)}\n\n`)
process.stdout.write(
  `Figures are medians of ${options.rounds} round${options.rounds === 1 ? '' : 's'} (latencies p50 / p95 / p99). Load of the machine before each visit: ${loads}.\n` +
    'The raw column: the appends, model calls and HTTP that a turn is made of, or the ceiling that it is held against.\n',
)
for (const { durability, processes, failed } of visits)
  for (const [name, why] of Object.entries(failed))
    process.stdout.write(`not measured: ${name} (${durability}, ${processes}): ${why}\n`)
if (options.against !== undefined)
  process.stdout.write(`\n${formatComparison(compare(visits, before), options.against)}\n`)
process.stdout.write(`JSON: ${write({ visits })}\n`)
process.exit(0)
