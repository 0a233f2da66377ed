// Without room on the disk: what waits, what is left out, and that both begin again with room.
import { afterEach, expect, test } from 'vitest'
import { outputsWithRoom, type Room, snapshotsWithRoom, timersWithRoom } from './disk-room.ts'
import { createMemoryJournal } from './memory/journal.ts'

class Disk {
  #waiting: (() => void)[] = []
  full = true
  readonly room: Room = () => (this.full ? new Promise((resolve) => this.#waiting.push(resolve)) : undefined)
  makeRoom(): void {
    this.full = false
    for (const go of this.#waiting.splice(0)) go()
  }
}

const journal = createMemoryJournal({ clock: { now: () => 0 } })
afterEach(() => journal.close())
const session = '01HZZZZZZZZZZZZZZZZZZZZZZZ'

test('a timer waits for room, and is armed then', async () => {
  const disk = new Disk()
  const armed: string[] = []
  const timers = timersWithRoom({ ...journal.timers, arm: async (_, timer) => void armed.push(timer) }, disk.room)
  const arming = timers.arm(session, 't1', 1)
  await Promise.resolve()
  expect(armed).toEqual([])
  disk.makeRoom()
  await arming
  expect(armed).toEqual(['t1'])
})

test('a snapshot is left out, and what is there is read', async () => {
  const disk = new Disk()
  const snapshots = snapshotsWithRoom(journal.snapshots, disk.room)
  const at = (n: number) => ({ seq: n, n, hash: `h${n}`, foldVersion: 1, state: {} })
  await snapshots.write(session, at(1))
  expect(await snapshots.read(session)).toBeUndefined()
  disk.makeRoom()
  await snapshots.write(session, at(2))
  disk.full = true
  await snapshots.write(session, at(3))
  expect((await snapshots.read(session))?.n).toBe(2)
})

test('an output is not kept, whoever keeps it is told, and what is kept is read', async () => {
  const disk = new Disk()
  const outputs = outputsWithRoom(journal.outputs, disk.room)
  await expect(outputs.put(session, Buffer.from('abc'))).rejects.toThrow('no room')
  disk.makeRoom()
  const { ref = '', dropped } = await outputs.put(session, Buffer.from('abc'))
  expect(dropped).toBe(0)
  disk.full = true
  expect((await outputs.get(session, ref))?.size).toBe(3)
})
