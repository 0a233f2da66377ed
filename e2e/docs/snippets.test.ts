// The examples in the READMEs of the libs run, and print what stands below them.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { compileCache } from '../harness/config.ts'
import { exampleOf } from './example.ts'

const root = path.join(import.meta.dirname, '..', '..')
const libs = readdirSync(path.join(root, 'libs'))

let printed: Readonly<Record<string, string>> = {}
beforeAll(async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(import.meta.dirname, 'run-examples.ts'), ...libs],
    { cwd: root, timeout: 120_000, env: { ...process.env, ...compileCache } },
  )
  printed = JSON.parse(stdout)
})

test.each(libs)('the example of libs/%s prints what its README says', (lib) => {
  const example = exampleOf(readFileSync(path.join(root, 'libs', lib, 'README.md'), 'utf8'))
  expect(example, `libs/${lib}/README.md has an example with what it prints`).toBeDefined()
  expect(printed[lib]).toBe(example?.prints)
})
