import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { version } from './product-version.ts'

test('the version that the product says is the one of its package', () => {
  const root = JSON.parse(readFileSync(path.join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8')) as {
    version: string
  }
  expect(version).toBe(root.version)
})
