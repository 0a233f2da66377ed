// The examples in the READMEs of the libs run, and print what stands below them.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const root = path.join(import.meta.dirname, '..', '..')
const example = /```ts\n((?:(?!```)[\s\S])*)```\n\nprints\n\n```text\n([\s\S]*?)```/

test.each(readdirSync(path.join(root, 'libs')))('the example of libs/%s prints what its README says', (lib) => {
  const [, code, printed] = example.exec(readFileSync(path.join(root, 'libs', lib, 'README.md'), 'utf8')) ?? []
  expect(code, `libs/${lib}/README.md has an example with what it prints`).toBeDefined()
  const run = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', code ?? ''], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  })
  expect(run.stdout, run.stderr).toBe(printed)
})
