// Sessions whose calls wait, told frame by frame, and what is due after a word that somebody forged. Pure: no process takes part.
import { argumentsDigest, type EventOf, type PinnedTool, type Role, type SessionEvent } from '@reins/contracts'
import { plan, statusOf } from '@reins/session'
import {
  answered,
  asks,
  by,
  calling,
  e,
  type Given,
  g,
  given,
  message,
  started,
  turn,
  types,
} from '../../../libs/session/test/given.ts'
import type { Allowed } from '../cases/decisions/allowed-targets.ts'
import type { Forged } from '../cases/decisions/forged-approvals.ts'

const ada = 'user:ada'
const said = (n: number) => ({ n, at: 1_000, by: 'e1' })
const pinned = (more: Partial<PinnedTool>): PinnedTool => ({
  ...{ name: 'shell', source: 'builtin', replay: 'never', risk: 'exec', digest: 'd' },
  ...more,
})

/** A session whose model has asked for these calls of the tool. */
function asked(
  tool: PinnedTool,
  policy: EventOf<'approvals.pinned'>['data'],
  ...calls: readonly (readonly [call: string, args: Record<string, unknown>])[]
): Given {
  return given(
    by(ada, g(started({ toolset: [tool] }), { type: 'approvals.pinned', data: policy }, message('m1'))),
    e(turn('t1', 'm1'), calling('c1', 't1')),
    e(answered('c1', ...calls.map(([call, args]) => asks(call, tool.name, args)))),
  )
}

const next = (one: Given): readonly SessionEvent[] => plan(one.session, [], said(one.head.n + 1), true)?.events ?? []

/** What is due for a call with this value of its target. */
export async function tryAllowed({ allow, kind, value }: Allowed): Promise<string> {
  const tool = pinned({ target: { argument: 'value', kind }, rule: { approval: 'always', allow: [allow] } })
  return types(next(asked(tool, { mode: 'default' }, ['k1', { value }]))).join(' ')
}

/** What is due after a decision that has something wrong with it: the session is as it was, or the call does not run. */
export async function tryForged({
  policy = {},
  role = 'g',
  writer = ada,
  before = [],
  event,
}: Forged): Promise<string> {
  const tool = pinned({ target: { argument: 'command', kind: 'command' }, rule: { approval: 'always' } })
  const args = { command: 'make' }
  const open = asked(tool, { mode: 'default', ...policy }, ['k1', args], ['k2', { command: 'make test' }])
  const waiting = open.and(e(...next(open)))
  const ready = before.reduce<Given>((one, data) => one.and(by(data.approver, g(decided(data)))), waiting)
  const after = ready.and({ role: role satisfies Role, by: writer, events: [event(decided({}))] })
  const same = after.session === ready.session ? 'unchanged' : 'changed'
  const events = next(after)
  const first = after.session.turn?.calls[0]
  const run = events.flatMap((one) =>
    one.type === 'tool-calls.requested' ? one.data.calls.map(({ call }) => call) : [],
  )
  return `${same}; ${statusOf(after.session)}; k1 ${first?.state.kind}; runs: ${run.join(' ') || 'nothing'}`

  function decided(more: Partial<EventOf<'approval.decided'>['data']>): EventOf<'approval.decided'> {
    const data = {
      call: 'k1',
      digest: argumentsDigest('shell', args),
      verdict: 'approved',
      scope: 'call',
      approver: ada,
      ...more,
    }
    return { type: 'approval.decided', data: data as EventOf<'approval.decided'>['data'] }
  }
}
