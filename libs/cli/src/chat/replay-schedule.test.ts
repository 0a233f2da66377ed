import { expect, test } from 'vitest'
import { follow, newTranscript } from '@reins/transcript'
import { event, plainTurn, started } from '../../test/fakes.ts'
import { replaySchedule } from './replay-schedule.ts'

const events = [started(1, 0), ...plainTurn(2, 100_000, 't1', 'Hi', 'one two three four')]

test('the tokens of an answer are spread over the time that it took', () => {
  const steps = replaySchedule(events, { speed: 1 })
  const answer = steps.filter((step) => step.item.type === 'delta')
  expect(answer.map((step) => [step.waitMs, step.item.type === 'delta' ? step.item.data : 0])).toMatchObject([
    [200, { offset: 0, text: 'one' }],
    [200, { offset: 3, text: ' two' }],
    [200, { offset: 7, text: ' three' }],
    [200, { offset: 13, text: ' four' }],
  ])
})

test('a turn takes as long as it took, or a part of that', () => {
  const total = (speed: number) =>
    replaySchedule(events, { speed })
      .slice(3)
      .reduce((sum, step) => sum + step.waitMs, 0)
  expect(total(1)).toBeCloseTo(1002, 5)
  expect(total(4)).toBeCloseTo(250.5, 5)
})

test('waiting for a person is shortened', () => {
  expect(replaySchedule(events, { speed: 1 })[1]?.waitMs).toBe(1500)
})

test('a long answer in a short time comes in larger pieces, none of it twice', () => {
  const text = 'word '.repeat(5000)
  const steps = replaySchedule([started(1, 0), ...plainTurn(2, 10, 't', 'Hi', text)], { speed: 50 })
  expect(steps.length).toBeLessThan(20)
  let transcript = newTranscript
  let shown = ''
  for (const step of steps) {
    const followed = follow(transcript, step.item)
    transcript = followed.transcript
    for (const piece of followed.pieces) if (piece.kind === 'text') shown += piece.text
  }
  expect(shown).toBe(text)
})

test('clocks that go back cost nothing', () => {
  const odd = [started(1, 5000), event(2, 1000, 'session.renamed', { title: 'x' })]
  expect(replaySchedule(odd, { speed: 1 }).map((step) => step.waitMs)).toEqual([0, 0])
})
