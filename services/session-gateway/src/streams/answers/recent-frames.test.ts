import type { Frame } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { RecentFrames } from './recent-frames.ts'

const frame = (n: number, status: Frame['status'] = 'running', text = ''): Frame => ({
  ...{ seq: n * 10, id: `f${n}`, n, prev: (n - 1) * 10, at: 0, by: 'executor-1', role: 'e', needs: 1, status },
  ...{ pool: 'default', hash: '' },
  events: [{ type: 'session.renamed', data: { title: text } }],
})

const ns = (frames: readonly Frame[] | undefined) => frames?.map(({ n }) => n)

describe('the last frames of a session', () => {
  test('begin at the last one at rest', () => {
    const recent = new RecentFrames()
    for (const one of [frame(4), frame(5, 'idle'), frame(6), frame(7)]) recent.add(one)
    expect(ns(recent.frames)).toEqual([5, 6, 7])
    recent.add(frame(8, 'idle'))
    expect(ns(recent.frames)).toEqual([8])
  })

  test('are given from any place that lies in them or just before them', () => {
    const recent = new RecentFrames()
    for (const one of [frame(5), frame(6), frame(7)]) recent.add(one)
    expect(ns(recent.behind(3, 10))).toBeUndefined()
    expect(ns(recent.behind(4, 10))).toEqual([5, 6, 7])
    expect(ns(recent.behind(4, 2))).toEqual([5, 6])
    expect(ns(recent.behind(6, 10))).toEqual([7])
    expect(ns(recent.behind(7, 10))).toEqual([])
  })

  test('take older ones before them, as far as these join', () => {
    const recent = new RecentFrames()
    recent.add(frame(5))
    recent.precede([frame(1), frame(3), frame(4)])
    expect(ns(recent.frames)).toEqual([3, 4, 5])
    recent.add(frame(6, 'idle'))
    recent.precede([frame(4), frame(5)])
    expect(ns(recent.frames)).toEqual([6])
  })

  test('are bounded in number and in size; the newest stays', () => {
    const many = new RecentFrames()
    for (let n = 2; n < 1000; n++) many.add(frame(n))
    expect(ns(many.frames)).toEqual(Array.from({ length: 256 }, (_, i) => 744 + i))
    const large = new RecentFrames()
    for (let n = 2; n < 10; n++) large.add(frame(n, 'running', 'x'.repeat(200_000)))
    expect(ns(large.frames)).toEqual([9])
    large.add(frame(10, 'running', 'x'.repeat(900_000)))
    expect(ns(large.frames)).toEqual([10])
    large.precede([frame(9)])
    expect(ns(large.frames)).toEqual([10])
  })
})
