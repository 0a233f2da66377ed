// Old journals fold to the same state for ever, and from every snapshot on the way.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type EventOf, eventsOf, everyEvent, type Frame, headOf, knownEvents } from '@reins/contracts'
import { brokenLink, emptyFold, foldFrames, reviveSession, verdict } from '@reins/session'
import { describe, expect, it } from 'vitest'
import { type Golden, goldenFrames, goldenState } from './golden.ts'

const folder = path.join(import.meta.dirname, '..', 'golden')

const read = (file: string) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Golden

describe.each(readdirSync(folder))('the golden journal %s', (file) => {
  const golden = read(file)
  const frames = goldenFrames(golden.frames)

  // A later version may keep more of the same events; nothing of what was kept is lost, or another.
  it('folds to the state that it folded to when it was recorded', () => {
    expect(goldenState(golden.id, golden.frames)).toMatchObject(golden.state)
  })

  it('has an unbroken chain, and shows it when a byte was changed', () => {
    const links = frames.map(({ frame, body }) => ({ frame, eventsJson: eventsOf(body) ?? '' }))
    expect(brokenLink(golden.id, links)).toBeNull()
    const changed = links.with(1, { ...links[1]!, eventsJson: links[1]!.eventsJson.replace('"', ' "') })
    expect(brokenLink(golden.id, changed)?.n).toBe(2)
  })

  it('folds to the same state from a snapshot at any frame', () => {
    const all = frames.map(({ frame }) => frame)
    for (let cut = 1; cut < all.length; cut++) {
      const { head, session } = foldFrames(emptyFold(golden.id), all.slice(0, cut))
      const snapshot = { head, session: reviveSession(JSON.parse(JSON.stringify(session))) }
      const whole = foldFrames(emptyFold(golden.id), all)
      expect(JSON.stringify(foldFrames(snapshot, all.slice(cut)))).toEqual(JSON.stringify(whole))
    }
  })
})

describe('a journal of a newer build', () => {
  const holder = { instance: 'e1', at: 0, runs: () => false, started: () => false }
  const journal = (file: string) => {
    const { id, frames } = read(file)
    const all: readonly Frame[] = goldenFrames(frames).map(({ frame }) => frame)
    return { all, session: foldFrames(emptyFold(id), all).session }
  }
  const decides = ({ all, session }: ReturnType<typeof journal>) => verdict(session, headOf(all.at(-1)!), holder)

  it('with an event of an unknown type is beyond this build from there on: it is shown, and not decided on', () => {
    const newer = journal('newer-event.golden.json')
    const { all, session } = newer
    expect(session.mode).toEqual({ kind: 'open' })
    expect(session.beyond).toEqual({ n: 3, why: expect.stringContaining('the event turn.marked') })
    expect(all.map(({ needs }) => needs)).toEqual([1, 1, 2, 2, 2, 2, 2, 2])
    expect(all.filter(({ beyond }) => beyond !== undefined).map(({ n }) => n)).toEqual([3])
    expect(all.filter(({ fault }) => fault !== undefined)).toEqual([])
    expect(all[2]?.events).toEqual([])
    const written = { type: 'turn.marked', data: { turn: 't3', mark: 'x' } }
    expect(all.flatMap(everyEvent)).toContainEqual({ type: '?', written })
    expect(all.flatMap(knownEvents).at(-1)?.type).toBe('turn.completed')
    expect(decides(newer)).toEqual({ do: 'nak', why: 'newer' })
  })

  it('with an optional field that is unknown is as good as any: the field is kept, and read by nobody', () => {
    const newer = journal('newer-field.golden.json')
    expect(newer.session.beyond).toBeUndefined()
    expect(newer.all.filter(({ needs, beyond }) => needs > 1 || beyond !== undefined)).toEqual([])
    const completed = newer.all
      .flatMap(({ events }) => events)
      .find(({ type }) => type === 'turn.completed') as unknown as { data: EventOf<'turn.completed'> }
    expect(completed.data).toMatchObject({ mood: 'good' })
    expect(decides(newer)).toEqual({ do: 'ack' })
  })
})
