// `npm run boundaries`: checks the import boundaries of this repository (boundary-rules.ts) and ends with 1 when one is crossed.
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { checkBoundaries } from './boundary-rules.ts'

const root = path.join(import.meta.dirname, '..')
const patterns = ['package.json', '*.ts', '{libs,services,deploy}/*/package.json', 'e2e/package.json']
const folders = ['libs', 'services', 'deploy', 'e2e', 'examples', 'scripts']
const files = globSync([...patterns, ...folders.map((folder) => `${folder}/**/*.{ts,tsx,mts,js,mjs}`)], {
  cwd: root,
  exclude: (name) => name === 'node_modules' || name.endsWith('/node_modules'),
})
  .map((file) => file.split(path.sep).join('/'))
  .filter((file) => !file.includes('node_modules/'))
  .sort()

const problems = checkBoundaries(
  new Map(files.map((file) => [file, readFileSync(path.join(root, file), 'utf8')] as const)),
)
for (const { file, line, message } of problems)
  process.stdout.write(`${file}${line === undefined ? '' : `:${line}`}  ${message}\n`)
process.stdout.write(
  problems.length === 0
    ? `boundaries: ${files.length} files, none crosses one\n`
    : `boundaries: ${problems.length} crossed in ${files.length} files\n`,
)
process.exitCode = problems.length === 0 ? 0 : 1
