import { expect, test } from 'vitest'
import { Patience } from './patience.ts'

test('a deadline that is not cleared passes; one that is refreshed begins again', async () => {
  const passed = Promise.withResolvers<void>()
  const begun = new Patience(5, { late: passed.resolve })
  begun.refresh()
  await passed.promise
})

test('what has arrived is read first, also in a process that was stopped until long after the deadline', async () => {
  let late = false
  const deadline = new Patience(10, {
    late: () => {
      late = true
    },
  })
  const until = performance.now() + 50
  while (performance.now() < until);
  // Where a socket is read: behind the timers that are due.
  await new Promise((resolve) => setImmediate(resolve))
  deadline.clear()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(late).toBe(false)
})
