import { draftOn, emptyHead, toExec } from '@reins/contracts'
import { createMemoryJournal } from '@reins/journal'
import { expect, test } from 'vitest'
import { putAway } from './put-away.ts'

const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV'

test('a session is put in quarantine by its head alone, once', async () => {
  const { sessions, close } = createMemoryJournal({ clock: { now: () => 0 }, schedule: () => () => undefined })
  const head = emptyHead(id)
  const order = { events: [], to: toExec('p'), status: 'idle' as const, pool: 'p', at: 0 }
  await sessions.append(id, draftOn(head, { frame: 'f', by: 'g', role: 'g' }, order), toExec('p'), head.hash)
  const context = {
    ...{ sessions, instance: 'executor-1', stopping: new AbortController().signal },
    clock: { now: () => 0, random: () => 0.5 },
  }
  expect(await putAway(context, id, 'it is too large')).toBe(true)
  expect(await putAway(context, id, 'it is too large')).toBe(true)
  const frames = await sessions.read(id)
  expect(frames.map(({ n, status, pool }) => [n, status, pool])).toEqual([
    [1, 'idle', 'p'],
    [2, 'quarantined', 'p'],
  ])
  expect(frames[1]?.events).toEqual([{ type: 'session.quarantined', data: { reason: 'it is too large', frame: 1 } }])
  close()
})
