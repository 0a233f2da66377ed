import { expect, test } from 'vitest'
import { NewestWords } from './newest-words.ts'

test('an older token gives no more than the newest one of its person, and another person is nobody’s affair', () => {
  const words = new NewestWords()
  const all = ['reader', 'writer']
  const old = words.leftOf('ann', 100, all)
  words.heard('ann', 100, all)
  words.heard('ben', 200, [])
  expect(old()).toBe(all)
  words.heard('ann', 200, ['reader', 'other'])
  const less = old()
  expect(less).toEqual(['reader'])
  expect(old()).toBe(less)
  expect(words.leftOf('ann', 200, ['reader', 'other'])()).toEqual(['reader', 'other'])
})

test('what comes later and was said before changes nothing; what was given again counts again', () => {
  const words = new NewestWords()
  const old = words.leftOf('ann', 100, ['reader'])
  words.heard('ann', 300, [])
  words.heard('ann', 200, ['reader'])
  expect(old()).toEqual([])
  words.heard('ann', 400, ['reader'])
  expect(old()).toEqual(['reader'])
})
