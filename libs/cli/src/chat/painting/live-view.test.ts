import { expect, it } from 'vitest'
import { newTranscript, type RunningTool } from '@reins/transcript'
import { makeStyle } from '../../text/style.ts'
import { newEditor } from '../typing/line-editor.ts'
import { liveView } from './live-view.ts'

const delegate = (call: string, since: number): RunningTool => ({
  ...{ call, name: 'delegate', input: { agent: 'deployer' }, since, attempt: 1, tail: `session s-${call}`, seen: 0 },
})

const shown = (tools: readonly RunningTool[], now: number): string => {
  const transcript = { ...newTranscript, tools }
  const state = { transcript, editor: newEditor([]), sending: [], connection: 'there' as const }
  return liveView(state, [], { width: 60, rows: 20 }, now, makeStyle(false)).lines.join(' ')
}

it('a delegation of which nothing is known yet shows the session of its agent', () => {
  expect(shown([delegate('c1', 0), delegate('c2', 1000)], 5000)).toContain('session s-c1')
})

it('a delegation is a block: what its agent does, and the key that opens it', () => {
  const transcript = { ...newTranscript, tools: [delegate('c1', 0)] }
  const member = {
    ...{ session: 's1', agent: 'deployer', above: 'root', call: 'c1', since: 0, inputTokens: 5, outputTokens: 1 },
    transcript: newTranscript,
  }
  const team = { team: new Map([['s1', member]]), root: 'root', open: false }
  const state = { transcript, editor: newEditor([]), sending: [], connection: 'there' as const, team }
  const { lines } = liveView(state, [], { width: 60, rows: 20 }, 4000, makeStyle(false))
  expect(lines.slice(0, 3)).toEqual([
    '● delegate deployer … 4.0s',
    '  begins  5 in, 1 out',
    '  Ctrl-O opens what agents do',
  ])
})
