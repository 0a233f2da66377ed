// `npm run verify`: everything that a change must pass, in order, each part also when one before it failed; then a table.
//   npm run verify -- --only format,types     runs some of the parts
// Types and tests run over the whole tree at once, not package by package: docs/decisions/ says why.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'

const root = path.join(import.meta.dirname, '..')
const biome = 'node_modules/@biomejs/biome/bin/biome'
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--passWithNoTests']

/** Arguments of Node, by the name of the part. */
const parts: Readonly<Record<string, readonly string[]>> = {
  format: [biome, 'format', '.'],
  lint: [biome, 'lint', '--error-on-warnings', '.'],
  boundaries: ['scripts/boundaries.ts'],
  types: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'],
  'page-types': ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'libs/web/page/tsconfig.json'],
  unit: [...vitest, '--project', 'unit'],
  integration: [...vitest, '--project', 'integration'],
  'end-to-end': [...vitest, '--project', 'end-to-end', '--project', 'faults'],
  long: [...vitest, '--project', 'long'],
  cluster: [...vitest, '--config', 'e2e/cluster/vitest.config.ts'],
}

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const wanted = values.only?.split(',') ?? Object.keys(parts)
const unknown = wanted.filter((name) => parts[name] === undefined)
if (unknown.length > 0) {
  process.stderr.write(`verify: there is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}\n`)
  process.exit(2)
}

const rows = wanted.map((name) => {
  process.stdout.write(`\n== ${name}\n`)
  const begun = performance.now()
  const { status, signal } = spawnSync(process.execPath, parts[name] ?? [], { cwd: root, stdio: 'inherit' })
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  return { name, ok: status === 0, text: status === 0 ? 'ok' : `FAILED (${signal ?? `exit ${status}`})`, seconds }
})

process.stdout.write('\nverify\n')
for (const { name, text, seconds } of rows)
  process.stdout.write(`  ${name.padEnd(12)} ${seconds.padStart(6)} s  ${text}\n`)
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1
