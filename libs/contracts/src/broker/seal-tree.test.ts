import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sealRoot, sealTree } from './seal-tree.ts'
import { mostInSealTree, sealParts, sealsOf } from './seals.ts'

const texts = fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 20 })

test('the steps of each text lead to the root, and those of no other text do', () => {
  fc.assert(
    fc.property(texts, (all) => {
      const { root, steps } = sealTree(all)
      for (const [i, text] of all.entries())
        for (const [j, of] of steps.entries()) expect(sealRoot(text, of) === root).toBe(i === j)
    }),
    { numRuns: 50 },
  )
})

test.each([
  ['an empty step', ['']],
  ['a step of no side', [`x${'a'.repeat(43)}`]],
  ['a step that is cut', [`l${'a'.repeat(42)}`]],
])('%s leads nowhere', (_, steps) => expect(sealRoot('a', steps)).toBeUndefined())

test('a node of the tree is no leaf: what was signed for four texts says nothing of the two halves', () => {
  const { root, steps } = sealTree(['a', 'b', 'c', 'd'])
  const [, right = ''] = steps[0] ?? []
  const left = steps[2]?.[1] ?? ''
  expect(sealRoot(`\x01${left.slice(1)}${right.slice(1)}`, [])).not.toBe(root)
  expect(sealRoot(left.slice(1), [right])).not.toBe(root)
})

test('one signature is over as many texts as a tree takes, and one that is alone has no steps', () => {
  const signed: string[] = []
  const sign = (text: string) => {
    signed.push(text)
    return `key.${signed.length}`
  }
  const all = Array.from({ length: mostInSealTree + 1 }, (_, i) => `text ${i}`)
  const seals = sealsOf(all, sign)
  expect(signed).toEqual([expect.stringMatching(/^reins tree 1\n/), `text ${mostInSealTree}`])
  for (const [i, seal] of seals.entries()) {
    const { key, signature, signed: of } = sealParts(all[i] ?? '', seal)
    expect([key, of]).toEqual(['key', signed[Number(signature) - 1]])
  }
  expect(seals.at(-1)).toBe('key.2')
})
