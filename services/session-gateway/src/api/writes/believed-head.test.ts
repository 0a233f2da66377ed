import { emptyHead, type Head } from '@reins/contracts'
import { emptySession, type Session } from '@reins/session'
import { expect, test } from 'vitest'
import { believedHead } from './believed-head.ts'

const head = (more: Partial<Head>): Head => ({ ...emptyHead('s'), n: 3, seq: 30, status: 'idle', pool: 'p', ...more })
const born = { pools: { executor: 'born', tools: 'born' } } as unknown as NonNullable<Session['born']>

function folds(mode: Session['mode']) {
  let asked = 0
  const session = { ...emptySession('s'), born, mode }
  return {
    asked: () => asked,
    folded: async () => {
      asked++
      return { fold: { head: head({}), session } } as never
    },
  }
}

test('a head that says what may be so is believed without a read', async () => {
  const none = folds({ kind: 'open' })
  for (const status of ['idle', 'running', 'waiting', 'paused', 'quarantined'] as const)
    expect(await believedHead(none, 's', head({ status }))).toEqual(head({ status }))
  expect(await believedHead(none, 's', emptyHead('s'))).toEqual(emptyHead('s'))
  expect(none.asked()).toBe(0)
})

test('that a session has ended is believed where it has', async () => {
  const ended = head({ status: 'ended' })
  expect((await believedHead(folds({ kind: 'ended', reason: 'asked' }), 's', ended)).status).toBe('ended')
  expect((await believedHead(folds({ kind: 'open' }), 's', ended)).status).toBe('idle')
  const quarantined = folds({ kind: 'quarantined', reason: 'forged', frame: 3 })
  expect((await believedHead(quarantined, 's', ended)).status).toBe('quarantined')
})

test('a head without a pool has that of the start', async () => {
  expect((await believedHead(folds({ kind: 'open' }), 's', head({ pool: '' }))).pool).toBe('born')
})
