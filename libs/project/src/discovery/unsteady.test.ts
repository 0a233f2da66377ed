import { expect, it } from 'vitest'
import { unsteadyIn } from './unsteady.ts'

it('names the line of each call that gives another value in each replay, and what to write instead', () => {
  const text = `export async function run(ctx) {
    const began = Date.now()
    const at = new Date()
    return [Math.random(), crypto.randomUUID(), performance.now()]
  }`
  expect(unsteadyIn(text).map(({ line, call, instead }) => [line, call, instead])).toEqual([
    [2, 'Date.now()', 'ctx.now()'],
    [3, 'new Date()', 'new Date(ctx.now())'],
    [4, 'Math.random()', 'ctx.random()'],
    [4, 'crypto.randomUUID()', 'ctx.uuid()'],
    [4, 'performance.now()', 'ctx.now()'],
  ])
})

it('passes over comments, dates with a time, and what only looks alike', () => {
  const text = `// never Date.now() here
  /* nor
     Math.random() */
  const at = new Date(ctx.now())
  const url = 'https://example.com'
  const later = updateDate.nowish()`
  expect(unsteadyIn(text)).toEqual([])
})

it('reads on behind a comment that does not end, and a text of nothing but such beginnings once', () => {
  expect(unsteadyIn("const glob = 'docs/*'\nconst at = Date.now()").map(({ line }) => line)).toEqual([2])
  expect(unsteadyIn('/* '.repeat(300_000))).toEqual([])
})
