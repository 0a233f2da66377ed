import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Refills } from './refills.ts'

test('so many are read at once and no more, in order; one that fails makes room too', async () => {
  const refills = new Refills({ atOnce: 2, spreadMs: 0, random: () => 0 })
  const begun: number[] = []
  const reads = Array.from({ length: 5 }, () => Promise.withResolvers<number>())
  const results = reads.map(({ promise }, i) =>
    refills.read(() => {
      begun.push(i)
      return promise
    }),
  )
  const settled = Promise.allSettled(results)
  await turn()
  expect(begun).toEqual([0, 1])
  reads[1]?.reject(new Error('the broker is away'))
  await turn()
  expect(begun).toEqual([0, 1, 2])
  reads[0]?.resolve(0)
  reads[2]?.resolve(2)
  await turn()
  expect(begun).toEqual([0, 1, 2, 3, 4])
  reads[3]?.resolve(3)
  reads[4]?.resolve(4)
  expect((await settled).map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ])
})

test('after a cut each begins at a moment of its own, and not at all once it is called off', async () => {
  const begun: string[] = []
  const refills = new Refills({ atOnce: 1, spreadMs: 0, random: () => 0 })
  const callOff = refills.afterCut(() => begun.push('called off'))
  await new Promise<void>((resolve) => {
    refills.afterCut(() => {
      begun.push('begun')
      resolve()
    })
    callOff()
  })
  expect(begun).toEqual(['begun'])
})
