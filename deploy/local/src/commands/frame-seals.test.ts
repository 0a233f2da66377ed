import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { emptyHead, type Frame, frameHash, frameSealText, noSeals } from '@reins/contracts'
import { afterAll, expect, test } from 'vitest'
import { makeRoleKeys, rotateRoleKeys, sealsIn } from '../data/signing-key.ts'
import { FrameSeals } from './frame-seals.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'reins-seals-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
makeRoleKeys(folder)
const id = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const gateway = sealsIn(folder, ['session-gateway'])
const executor = sealsIn(folder, ['executor'])
const anybody = sealsIn(folder, [])

const said = (n: number, role: 'g' | 'e'): Frame => {
  const draft = { n, id: `f${n}`, role, at: n, by: 'x', needs: 1 }
  const hash = frameHash(emptyHead(id).hash, draft, '[]')
  return { ...draft, hash, seq: n, prev: n - 1, status: 'idle', pool: 'p', events: [] }
}
const sealed = (frame: Frame, by = frame.role === 'g' ? gateway : executor): Frame => {
  const seal = by.sign(frame.role, frameSealText(frame))
  return seal === undefined ? frame : { ...frame, seal }
}
const check = (frames: readonly Frame[], of = anybody) => {
  const seals = new FrameSeals(id, of)
  const problems = frames.flatMap((frame) => seals.add({ frame }) ?? [])
  return { sealed: seals.sealed, problems }
}

test('frames that their services have signed are sound, whoever checks', () => {
  expect(check([sealed(said(1, 'g')), sealed(said(2, 'e')), sealed(said(3, 'g'))])).toEqual({ sealed: 3, problems: [] })
})

test('frames that were signed together are sound, and each of them by itself alone', () => {
  const frames = [said(1, 'e'), said(2, 'e'), said(3, 'e')]
  const seals = executor.signAll('e', frames.map(frameSealText)) ?? []
  const all = frames.map((frame, i) => ({ ...frame, seal: seals[i] ?? '' }))
  expect(check(all)).toEqual({ sealed: 3, problems: [] })
  const [first, second, third] = all
  if (!first || !second || !third) throw new Error('three frames')
  const exchanged = check([first, { ...second, seal: third.seal }, { ...third, status: 'ended' }])
  expect(exchanged.problems).toEqual([expect.stringContaining('#2: '), expect.stringContaining('#3: ')])
})

test.each<[string, Frame, string]>([
  ['without a signature', said(3, 'e'), 'it is not signed'],
  ['with that of another frame', { ...said(3, 'e'), seal: sealed(said(2, 'e')).seal ?? '' }, 'none of the service'],
  ['with a status that was changed', { ...sealed(said(3, 'e')), status: 'ended' }, 'none of the service'],
  ['with a pool that was changed', { ...sealed(said(3, 'e')), pool: 'q' }, 'none of the service'],
  ['of a role whose key the writer has not', sealed(said(3, 'e'), gateway), 'it is not signed'],
  ['with a key that nobody knows', { ...said(3, 'e'), seal: 'aaaaaaaaaaaaaaaa.AAAA' }, 'none of the service'],
])('a frame %s is named, behind one that its service has signed', (_, frame, why) => {
  const { problems } = check([sealed(said(1, 'g')), sealed(said(2, 'e')), frame])
  expect(problems).toEqual([expect.stringContaining(`${id}#3: `)])
  expect(problems[0]).toContain(why)
})

test('frames of before the keys, and of a machine whose keys are not here, say nothing', () => {
  expect(check([said(1, 'g'), said(2, 'e'), sealed(said(3, 'g')), said(4, 'e')])).toEqual({ sealed: 1, problems: [] })
  expect(check([sealed(said(1, 'g')), said(2, 'g')], noSeals())).toEqual({ sealed: 0, problems: [] })
})

test('what a former key has signed stays sound', () => {
  const before = sealed(said(1, 'e'))
  rotateRoleKeys(folder, ['executor'])
  const after = sealed(said(2, 'e'), sealsIn(folder, ['executor']))
  expect(after.seal?.slice(0, 16)).not.toBe(before.seal?.slice(0, 16))
  expect(check([before, after], sealsIn(folder, []))).toEqual({ sealed: 2, problems: [] })
})

test('an older key signs nothing behind a newer one', () => {
  const older = sealsIn(folder, ['executor'])
  rotateRoleKeys(folder, ['executor'])
  const newer = sealsIn(folder, ['executor'])
  const { sealed: sound, problems } = check(
    [sealed(said(1, 'e'), older), sealed(said(2, 'e'), newer), sealed(said(3, 'e'), older)],
    sealsIn(folder, []),
  )
  expect(sound).toBe(3)
  expect(problems).toEqual([expect.stringContaining(`${id}#3: it is signed with an older key`)])
})
