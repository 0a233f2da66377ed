import { describe, expect, it } from 'vitest'
import { Closing } from './running.ts'

const generous = { withinMs: 60_000 }
const never = new Promise<void>(() => undefined)

describe('what a service opened', () => {
  it('is closed in reverse order, each when the one after it is closed', async () => {
    const said: string[] = []
    const closing = new Closing()
    closing.add('database', () => said.push('database'))
    closing.add('broker', async () => {
      said.push('broker begins')
      await new Promise((resolve) => setImmediate(resolve))
      said.push('broker ends')
    })
    closing.add('http', () => said.push('http'))
    expect(await closing.close(generous)).toEqual({ abandoned: [] })
    expect(said).toEqual(['http', 'broker begins', 'broker ends', 'database'])
  })

  it('is abandoned where it does not close by the deadline, and the rest is closed all the same', async () => {
    const said: string[] = []
    const closing = new Closing()
    closing.add('database', () => said.push('database'))
    closing.add('broker', () => never)
    closing.add('http', () => never)
    expect(await closing.close({ withinMs: 1 })).toEqual({ abandoned: ['http', 'broker'] })
    expect(said).toEqual(['database'])
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('no connection'))],
    [
      'throws',
      () => {
        throw new Error('no connection')
      },
    ],
  ])('that %s is named with its reason, and the rest is closed all the same', async (_, fails) => {
    const said: string[] = []
    const closing = new Closing()
    closing.add('database', () => said.push('database'))
    closing.add('broker', fails)
    expect(await closing.close(generous)).toEqual({ abandoned: ['broker (no connection)'] })
    expect(said).toEqual(['database'])
  })

  it('is closed once: whoever asks later gets the same report', async () => {
    let times = 0
    const closing = new Closing()
    closing.add('http', () => {
      times++
      throw new Error('no')
    })
    const first = closing.close(generous)
    expect(await closing.close({ withinMs: 1 })).toBe(await first)
    expect(times).toBe(1)
  })

  it('is nothing where nothing was opened', async () => {
    expect(await new Closing().close({ withinMs: 1 })).toEqual({ abandoned: [] })
  })
})
