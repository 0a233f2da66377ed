// Old journals fold to the same state for ever, and from every snapshot on the way.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { eventsOf } from '@reins/contracts'
import { brokenLink, emptyFold, foldFrames, reviveSession } from '@reins/session'
import { describe, expect, it } from 'vitest'
import { type Golden, goldenFrames, goldenState } from './golden.ts'

const folder = path.join(import.meta.dirname, '..', 'golden')

describe.each(readdirSync(folder))('the golden journal %s', (file) => {
  const golden = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Golden
  const frames = goldenFrames(golden.frames)

  it('folds to the state that it folded to when it was recorded', () => {
    expect(goldenState(golden.id, golden.frames)).toEqual(golden.state)
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
