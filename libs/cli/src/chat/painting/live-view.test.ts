import { expect, it } from 'vitest'
import { makeStyle } from '../../text/style.ts'
import { newTranscript, type RunningTool } from '../transcript/transcript-state.ts'
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

it('a delegation shows the session of its agent, and after some time where to see whether a person is awaited', () => {
  const tools = [delegate('c1', 0), delegate('c2', 1000)]
  expect(shown(tools, 5000)).toContain('session s-c1')
  expect(shown(tools, 5000)).not.toContain('approvals list')
  expect(shown(tools, 11_000)).toContain('reins approvals list')
})

it('the advice about agents is absent while another tool runs, since the turn does not only wait for agents', () => {
  const shell = { ...delegate('c2', 0), name: 'shell' }
  expect(shown([delegate('c1', 0), shell], 60_000)).not.toContain('approvals list')
  expect(shown([], 60_000)).not.toContain('approvals list')
})
