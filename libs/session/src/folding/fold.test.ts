import { type Draft, decodeFrame, draftOn, emptyHead, encodeFrame, type Frame, headOf, toLog } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { answered, asks, id, message, result, started } from '../../test/given.ts'
import { AppendList } from './append-list.ts'
import { brokenLink, emptyFold, foldFrames } from './fold.ts'
import { plan } from '../deciding/plan.ts'
import { statusOf } from '../deciding/status.ts'

function frames(...events: readonly Draft['events'][]): readonly Frame[] {
  const made: Frame[] = []
  for (const one of events) {
    const before = made.at(-1) ? headOf(made.at(-1)!) : emptyHead(id)
    const order = { events: one, to: toLog, status: 'idle', pool: 'default', at: 1000 } as const
    const draft = draftOn(before, { frame: `f${before.n + 1}`, by: 'gateway', role: 'g' }, order)
    const { headers, body } = encodeFrame(draft, before.hash)
    const named = new Map(headers)
    made.push(decodeFrame({ seq: (before.n + 1) * 10, role: 'g', body, header: (name) => named.get(name) ?? '' }))
  }
  return made
}

describe('folding', () => {
  const three = frames([started(), message('m1')], [message('m2')], [message('m3')])

  it('goes on from where it is, and is not disturbed by what it has seen', () => {
    const whole = foldFrames(emptyFold(id), three)
    const halves = foldFrames(foldFrames(emptyFold(id), three.slice(0, 2)), three)
    expect(JSON.stringify(halves)).toBe(JSON.stringify(whole))
    expect(whole.session.inbox.map(({ message: name }) => name)).toEqual(['m1', 'm2', 'm3'])
    expect(whole.head).toEqual(headOf(three[2]!))
  })

  it('quarantines at a gap, naming the frame, and goes on from its headers', () => {
    const { session, head } = foldFrames(emptyFold(id), [three[0]!, three[2]!])
    expect(session.mode).toMatchObject({ kind: 'quarantined', frame: 3 })
    expect(head).toEqual(headOf(three[2]!))
  })

  it('quarantines at a frame that is none, and never throws', () => {
    const broken: Frame = { ...three[1]!, events: [], fault: 'a body that is no JSON' }
    const { session, head } = foldFrames(emptyFold(id), [three[0]!, broken])
    expect(session.mode).toMatchObject({ kind: 'quarantined', reason: expect.stringContaining('no JSON') })
    expect(head.n).toBe(2)
  })

  it('finds the first broken link of the chain', () => {
    const links = three.map((frame) => ({ frame, eventsJson: JSON.stringify(frame.events) }))
    expect(brokenLink(id, links)).toBeNull()
    expect(brokenLink(id, links.with(1, { ...links[1]!, eventsJson: '[]' }))).toBe(three[1])
  })
})

describe('a list that only grows', () => {
  it('keeps its older versions as they were', () => {
    const one = AppendList.of([1])
    const two = one.append(2)
    const other = one.append(3, 4)
    expect([one, two, other].map((list) => list.toArray())).toEqual([[1], [1, 2], [1, 3, 4]])
    expect(one.at(1)).toBeUndefined()
    expect(other.slice(1)).toEqual([3, 4])
    expect(JSON.stringify(two)).toBe('[1,2]')
  })
})

describe('what a writer folds', () => {
  it('is byte for byte what every reader folds of its frame', () => {
    const [first] = frames([started(), message('m1')])
    let fold = foldFrames(emptyFold(id), [first!])
    for (const outcome of [[], [answered('c2', asks('k1', 'shell'))], [], [result('k1')]]) {
      const said = { n: fold.head.n + 1, at: 5000 + fold.head.n, by: 'e1' }
      const next = plan(fold.session, outcome, said, true)
      if (!next) continue
      const order = { events: next.events, to: next.to, status: statusOf(next.after), at: next.at }
      const draft = draftOn(fold.head, { frame: `f${said.n}`, by: 'e1', role: 'e' }, order)
      const { headers, body } = encodeFrame(draft, fold.head.hash)
      const named = new Map(headers)
      const read = decodeFrame({ seq: said.n * 10, role: 'e', body, header: (name) => named.get(name) ?? '' })
      fold = foldFrames(fold, [read])
      expect(JSON.stringify(fold.session)).toBe(JSON.stringify(next.after))
    }
    expect(fold.head.n).toBeGreaterThan(3)
  })
})
