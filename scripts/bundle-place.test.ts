import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { placeOfBundle, programOf, source } from './bundle-place.mjs'

/** As much of a checkout as the place of a bundle is made of. */
function checkout() {
  const root = mkdtempSync(path.join(tmpdir(), 'reins-bundle-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const write = (file: string, text = '') => {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true })
    writeFileSync(path.join(root, file), text)
  }
  for (const file of [source, 'libs/a/src/b.ts', 'libs/a/package.json', 'services/s/src/c.ts']) write(file)
  for (const file of ['package-lock.json', 'scripts/bundle.ts', 'scripts/bundle-place.mjs']) write(file)
  const bundle = () => {
    const folder = placeOfBundle(root)
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'main.mjs'), '')
    return path.join(folder, 'main.mjs')
  }
  return { root, write, bundle, main: path.join(root, source) }
}

test('the binary runs as its bundle, once there is one', () => {
  const { root, main, bundle } = checkout()
  expect(programOf([main, 'up'], {}, root)).toEqual({ args: [main, 'up'], make: true, binary: true })
  expect(programOf([main, 'session', 'list'], {}, root)).toEqual({
    args: [main, 'session', 'list'],
    make: false,
    binary: true,
  })
  const program = bundle()
  expect(programOf([main, 'up'], {}, root)).toEqual({ args: [program, 'up'], make: false, binary: true })
  expect(programOf([main, 'up'], { REINS_FROM_SOURCES: '1' }, root)).toEqual({
    args: [main, 'up'],
    make: false,
    binary: true,
  })
  const other = path.join(root, 'scripts/verify.ts')
  expect(programOf([other], {}, root)).toEqual({ args: [other], make: false, binary: false })
})

test.each<[string, (given: ReturnType<typeof checkout>) => void]>([
  ['a source that is longer', ({ write }) => write('libs/a/src/b.ts', 'more')],
  ['a source of another time', ({ root }) => utimesSync(path.join(root, 'libs/a/src/b.ts'), 1, 1)],
  ['a new source', ({ write }) => write('services/s/src/d.ts')],
  ['a source that is gone', ({ root }) => rmSync(path.join(root, 'libs/a/src/b.ts'))],
  ['a source with another name', ({ root }) => renameSync(`${root}/libs/a/src/b.ts`, `${root}/libs/a/src/e.ts`)],
  ['other packages', ({ write }) => write('package-lock.json', '{}')],
  ['packages that were installed anew', ({ write }) => write('node_modules/.package-lock.json', '{}')],
])('%s: the sources run', (_, change) => {
  const given = checkout()
  given.bundle()
  change(given)
  expect(programOf([given.main, 'up'], {}, given.root)).toEqual({ args: [given.main, 'up'], make: true, binary: true })
})

test('a test that was changed leaves the bundle as it is', () => {
  const given = checkout()
  const program = given.bundle()
  given.write('libs/a/src/b.test.ts', 'more')
  given.write('libs/a/test/c.ts', 'more')
  expect(programOf([given.main, 'up'], {}, given.root).args[0]).toBe(program)
})

test('where the sources cannot be read, nothing is bundled', () => {
  const { root, main } = checkout()
  rmSync(path.join(root, 'services'), { recursive: true })
  expect(programOf([main, 'up'], {}, root).args[0]).toBe(main)
})
