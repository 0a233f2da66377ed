import { expect, test } from 'vitest'
import { sealTogether } from './seals-together.ts'

const wait = () => {
  const runs: (() => void)[] = []
  return {
    later: (run: () => void) => void runs.push(run),
    end: () => {
      for (const run of runs.splice(0)) run()
    },
  }
}

test('frames of one turn of the event loop are signed together, those of each role by themselves', async () => {
  const asked: string[] = []
  const turn = wait()
  const seal = sealTogether(
    {
      signAll: (role, texts) => {
        asked.push(`${role}: ${texts.join(' ')}`)
        return texts.map((text) => `seal of ${text}`)
      },
    },
    turn.later,
  )
  const first = [seal('e', 'a'), seal('g', 'b'), seal('e', 'c')]
  turn.end()
  expect(await Promise.all(first)).toEqual(['seal of a', 'seal of b', 'seal of c'])
  const second = seal('e', 'd')
  turn.end()
  expect(await second).toBe('seal of d')
  expect(asked).toEqual(['e: a c', 'g: b', 'e: d'])
})

test('without a key of the role there is no seal, and what cannot be signed says why', async () => {
  expect(await sealTogether({ signAll: () => undefined })('e', 'a')).toBeUndefined()
  const broken = sealTogether({
    signAll: () => {
      throw new Error('the key is gone')
    },
  })
  await expect(broken('e', 'a')).rejects.toThrow('the key is gone')
})
