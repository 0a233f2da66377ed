import { linkSync, lstatSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/fake-context.ts'
import { Masks } from './masks.ts'

const minute = 60_000

/** Files of two names each, as a package manager makes them, beside a masked folder. `later`: ms that have passed since they were made. */
function given(later: number) {
  const folder = temporaryFolder(
    Object.fromEntries([
      ['data/token', 'secret'],
      ...Array.from({ length: 50 }, (_, i) => [`store/${i}`, `package ${i}`]),
      ['ws/.keep', ''],
    ]),
  )
  const files = Array.from({ length: 50 }, (_, i) => join(folder, 'ws', String(i)))
  for (const [i, file] of files.entries()) linkSync(join(folder, 'store', String(i)), file)
  let offset = later
  const masks = new Masks([join(folder, 'data')], () => Date.now() + offset)
  masks.refresh()
  const setClock = (by: number) => {
    offset += by
  }
  return { folder, files, masks, setClock }
}

const stat = (path: string) => lstatSync(path, { bigint: true })

test('files of several names that are older than the last look cost no further look', () => {
  const { files, masks } = given(minute)
  const before = masks.looks
  expect(files.map((file) => masks.hides(stat(file)))).not.toContain(true)
  expect(masks.looks).toBe(before)
})

test('a masked file that gets a second name after the look is hidden under that name', () => {
  const { folder, masks } = given(0)
  linkSync(join(folder, 'data/token'), join(folder, 'ws/innocent'))
  expect(masks.hides(stat(join(folder, 'ws/innocent')))).toBe(true)
})

test('a file of two names that is moved into the masked folder after the look is hidden under the other name', () => {
  const { folder, files, masks } = given(0)
  renameSync(join(folder, 'store/0'), join(folder, 'data/moved'))
  expect(masks.hides(stat(files[0] ?? ''))).toBe(true)
})

test('after the clock was set back, the look counts no more', () => {
  const { folder, masks, setClock } = given(minute)
  linkSync(join(folder, 'data/token'), join(folder, 'ws/innocent'))
  setClock(-minute)
  expect(masks.hides(stat(join(folder, 'ws/innocent')))).toBe(true)
})

test('pieces are held open from the first look on, and the start needs no second one', () => {
  const folder = temporaryFolder({ 'data/token': 'secret' })
  const masks = new Masks([join(folder, 'data')])
  masks.holdPieces()
  masks.refresh()
  expect(masks.looks).toBe(1)
  renameSync(join(folder, 'data/token'), join(folder, 'elsewhere'))
  expect(masks.strays()).toEqual([{ path: join(folder, 'elsewhere'), kind: 'file' }])
})
