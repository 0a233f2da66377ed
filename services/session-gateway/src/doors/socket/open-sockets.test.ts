import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { OpenSockets } from './open-sockets.ts'

class Fake extends EventEmitter {
  readonly connection = Object.assign(new EventEmitter(), { bytesRead: 0 })
  readonly OPEN = 1
  readyState = 1
  isPaused = false
  pings = 0
  ping(): void {
    this.pings += 1
  }
  terminate(): void {
    this.readyState = 3
    this.emit('close')
  }
  comes(bytes: number): void {
    this.connection.bytesRead += bytes
    this.connection.emit('data', Buffer.alloc(bytes))
  }
}

const kilobyte = 1024
function opened() {
  const time = { now: 0 }
  const all = new OpenSockets({
    ...{ maxBytes: 1000 * kilobyte, wholeWithinMs: 60_000, silentMs: 90_000 },
    now: () => time.now,
  })
  const one = (): Fake => {
    const fake = new Fake()
    all.watch(fake as unknown as WebSocket, fake.connection as unknown as Socket)
    return fake
  }
  const pass = (ms: number): void => {
    time.now += ms
    all.look()
  }
  return { all, one, pass }
}

test('a message that does not come to its end is let go after its time, and one that does is not', () => {
  const { one, pass, all } = opened()
  const [slow, quick] = [one(), one()]
  for (let second = 0; second < 62; second++) {
    slow.comes(8 * kilobyte)
    quick.comes(200 * kilobyte)
    quick.emit('message')
    pass(1000)
  }
  expect([slow.readyState, quick.readyState]).toEqual([1, 1])
  for (let second = 0; second < 20; second++) {
    slow.comes(8 * kilobyte)
    quick.comes(1)
    pass(1000)
  }
  expect([slow.readyState, quick.readyState, all.size]).toEqual([3, 1, 1])
})

test('of all that is not whole the one that began first goes', () => {
  const { one, pass } = opened()
  const first = one()
  first.comes(400 * kilobyte)
  pass(1000)
  const second = one()
  second.comes(400 * kilobyte)
  const honest = one()
  honest.comes(190 * kilobyte)
  expect(first.readyState).toBe(1)
  honest.comes(190 * kilobyte)
  expect([first, second, honest].map(({ readyState }) => readyState)).toEqual([3, 1, 1])
})

test('pings between the pieces of a message do not make it younger, and years of pings are no message', () => {
  const { one, pass } = opened()
  const [slow, idle] = [one(), one()]
  slow.comes(200 * kilobyte)
  for (let second = 0; second < 62; second++) {
    slow.comes(20)
    slow.emit('ping', Buffer.alloc(14))
    idle.comes(131)
    idle.emit('pong', Buffer.alloc(125))
    pass(1000)
  }
  expect(slow.readyState).toBe(3)
  for (let time = 0; time < 2000; time++) {
    idle.comes(131)
    idle.emit('pong', Buffer.alloc(125))
    pass(1000)
  }
  expect(idle.readyState).toBe(1)
})

test('whoever answers no ping is not there any more', () => {
  const { one, pass } = opened()
  const [gone, there, busy] = [one(), one(), one()]
  busy.isPaused = true
  for (let look = 0; look < 10; look++) {
    there.comes(6)
    there.emit('pong', Buffer.alloc(0))
    pass(15_000)
  }
  expect([gone, there, busy].map(({ readyState }) => readyState)).toEqual([3, 1, 1])
  expect(there.pings).toBe(10)
})
