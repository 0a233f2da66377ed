// `npm run chart`: renders the chart by `helm`, which must be on the PATH, and writes what comes of it beside the values: for whoever has no
// Helm, and for the tests. The first line of each file holds the digest of what it was made from, so that a stale one is noticed.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const folder = path.join(import.meta.dirname, '..')
export const chart = path.join(folder, 'reins')
/** What it is rendered with; `default`: with nothing. */
export const renderings = ['default', 'scaled'] as const
export type Rendering = (typeof renderings)[number]

export const renderedFile = (name: Rendering): string => path.join(folder, 'rendered', `${name}.yaml`)
const valuesFile = (name: Rendering): string | undefined =>
  name === 'default' ? undefined : path.join(folder, 'rendered', `${name}.values.yaml`)

export function firstLine(name: Rendering): string {
  const hash = createHash('sha256')
  const files = readdirSync(chart, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
  const values = valuesFile(name)
  for (const file of values === undefined ? files : [...files, values])
    hash.update(`${path.relative(folder, file)}\0${readFileSync(file, 'utf8')}\0`)
  return `# Rendered from deploy/helm/reins (${hash.digest('hex').slice(0, 16)}) by: npm run chart`
}

export function render(name: Rendering): string {
  const values = valuesFile(name)
  const more = values === undefined ? [] : ['--values', values]
  return execFileSync('helm', ['template', 'reins', chart, ...more], { encoding: 'utf8' })
}

if (import.meta.main)
  for (const name of renderings) writeFileSync(renderedFile(name), `${firstLine(name)}\n${render(name)}`)
