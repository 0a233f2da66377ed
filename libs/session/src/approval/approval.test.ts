import type { ApprovalPolicy, PinnedTool, SessionEvent } from '@reins/contracts'
import { argumentsDigest } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  by,
  calling,
  cancel,
  e,
  type Given,
  g,
  given,
  m,
  message,
  requested,
  result,
  started,
  t,
  turn,
  turnCancelled,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'
import { cover, statusOf } from '../deciding/status.ts'

const shell: PinnedTool = {
  ...{ name: 'shell', source: 'builtin', replay: 'never', risk: 'exec', digest: 'd' },
  target: { argument: 'command', kind: 'command' },
}
const grep: PinnedTool = { name: 'grep', source: 'builtin', replay: 'safe', risk: 'read', digest: 'd' }
const policy = (data: ApprovalPolicy): SessionEvent => ({ type: 'approvals.pinned', data })
const run = (call: string, command: string) => asks(call, 'shell', { command })
const said = (n: number) => ({ n, at: 1000, by: 'e1' })
const user = 'user:ada'

/** A session of which a model has asked for these calls. */
const asked = (data: ApprovalPolicy, toolset: readonly PinnedTool[], ...calls: readonly ReturnType<typeof asks>[]) =>
  given(
    by(user, g(started({ toolset: [...toolset] }), policy(data), message('m1'))),
    e(turn('t1', 'm1'), calling('c1', 't1')),
    e(answered('c1', ...calls)),
  )
const always: PinnedTool = { ...shell, rule: { approval: 'always' } }
/** With everything in it that an executor says next. */
const settled = (one: Given): Given => {
  const next = plan(one.session, [], said(one.head.n + 1), false)
  return next ? one.and(e(...next.events)) : one
}
const digestOf = (command: string) => argumentsDigest('shell', { command })
const decision = (
  call: string,
  verdict: 'approved' | 'edited' | 'denied',
  command: string,
  more: { readonly arguments?: Record<string, unknown>; readonly reason?: string; readonly approver?: string } = {},
): SessionEvent => ({
  type: 'approval.decided',
  data: { call, digest: digestOf(command), verdict, scope: 'call', approver: user, ...more },
})
const decides = (event: SessionEvent, who = user) => by(who, g(event))
const output = (one: Given): string | undefined => {
  const state = one.session.turn?.calls[0]?.state
  return state?.kind === 'done' ? state.output : undefined
}

describe('a call that must be approved', () => {
  const waits = settled(
    asked({ mode: 'default', expires: 1_800_000 }, [always, grep], run('k1', 'make'), asks('k2', 'grep')),
  )

  it('waits for people and for its timer, while the others of its batch run', () => {
    const open = asked({ mode: 'default', expires: 1_800_000 }, [always, grep], run('k1', 'make'), asks('k2', 'grep'))
    expect(plan(open.session, [], said(4), true)?.events).toEqual([
      {
        type: 'approval.requested',
        data: {
          call: 'k1',
          name: 'shell',
          arguments: { command: 'make' },
          digest: digestOf('make'),
          reason: 'The definition of the agent asks for a person before shell runs.',
          target: 'make',
          timer: 'approval-k1',
          expiresAt: 1_801_000,
        },
      },
      { type: 'timer.armed', data: { timer: 'approval-k1', at: 1_801_000 } },
      requested('t1', ['k2', 'safe']),
    ])
    const rests = waits.and(t(result('k2')))
    expect(statusOf(rests.session)).toBe('waiting')
    expect(due(rests.session, 9)).toBeNull()
    expect(cover(rests.session)).toEqual([
      { kind: 'person', why: 'k1 waits for approval' },
      { kind: 'timer', timer: 'approval-k1' },
    ])
  })

  it('takes no place of a tool that may run at once', () => {
    const one = given(
      g(
        started({ toolset: [always, grep], limits: { maxToolCalls: 9, maxConcurrentTools: 1 } }),
        policy({ mode: 'default' }),
      ),
      g(message('m1')),
      e(turn('t1', 'm1'), calling('c1', 't1')),
      e(answered('c1', run('k1', 'make'), asks('k2', 'grep'))),
    )
    expect(types(plan(one.session, [], said(5), true)?.events ?? [])).toEqual([
      'approval.requested',
      'tool-calls.requested',
    ])
  })

  it('runs once it is approved, and is not asked for again', () => {
    const approved = waits.and(decides(decision('k1', 'approved', 'make')))
    expect(approved.session.timers).toEqual([])
    expect(due(approved.session, 6)?.events).toMatchObject([
      {
        type: 'tool-calls.requested',
        data: { calls: [{ call: 'k1', arguments: { command: 'make' }, cleared: true }] },
      },
    ])
  })

  it('runs with the arguments of a person, where they are edited, and the model is told which', () => {
    const edited = waits.and(decides(decision('k1', 'edited', 'make', { arguments: { command: 'make -n' } })))
    expect(due(edited.session, 6)?.events).toMatchObject([{ data: { calls: [{ arguments: { command: 'make -n' } }] } }])
    const ran = edited.and(e(requested('t1', ['k1', 'never'])), t(result('k1', 'ok')), t(result('k2', 'ok')))
    const next = plan(ran.session, [], said(ran.head.n + 1), true)
    expect(next?.after.transcript.toArray().at(-2)).toMatchObject({
      output: expect.stringContaining('It ran with: {"command":"make -n"}]\nok'),
    })
  })

  it('beside another one is decided by itself: one is approved and runs, one is denied and does not', () => {
    const both = settled(asked({ mode: 'default' }, [always], run('k1', 'make'), run('k2', 'rm x')))
    for (const order of ['k1 first', 'k2 first']) {
      const decisions = [decision('k1', 'approved', 'make'), decision('k2', 'denied', 'rm x')]
      const decided = both.and(
        ...(order === 'k1 first' ? decisions : decisions.toReversed()).map((one) => decides(one)),
      )
      const next = settled(decided)
      const states = next.session.turn?.calls.map(({ call, state }) => [call, state.kind])
      expect(states).toEqual([
        ['k1', 'requested'],
        ['k2', 'done'],
      ])
    }
  })

  it('goes in a frame of its own where its arguments and those of others together would be more than a frame takes', () => {
    const both = settled(asked({ mode: 'default' }, [always], run('k1', 'make'), run('k2', 'make test')))
    const long = { arguments: { command: 'x'.repeat(1_500_000) } }
    const edited = both.and(
      decides(decision('k1', 'edited', 'make', long)),
      decides(decision('k2', 'edited', 'make test', long)),
    )
    const asks = (one: Given) =>
      (due(one.session, one.head.n + 1)?.events ?? []).flatMap((event) =>
        event.type === 'tool-calls.requested' ? event.data.calls.map(({ call }) => call) : [],
      )
    expect(asks(edited)).toEqual(['k1'])
    const first = edited.and(e(requested('t1', ['k1', 'never'])))
    expect(asks(first)).toEqual([])
    expect(asks(first.and(t(result('k1', 'ok'))))).toEqual(['k2'])
  })

  it('does not run where it is denied: the model reads by whom, and why', () => {
    const denied = settled(waits.and(decides(decision('k1', 'denied', 'make', { reason: 'not on a Friday' }))))
    expect(output(denied)).toBe('Not run: user:ada denied this call and says: not on a Friday')
  })

  it('expires with its timer: the model is told that this is no denial, and nobody can decide any more', () => {
    const fired = waits.and(m({ type: 'timer.fired', data: { timer: 'approval-k1' } }))
    expect(fired.and(decides(decision('k1', 'approved', 'make'))).session).toBe(fired.session)
    expect(types(plan(fired.session, [], said(6), true)?.events ?? [])).toEqual([
      'approval.expired',
      'tool-call.completed',
    ])
    expect(output(settled(fired))).toContain('That is no denial')
  })

  it('is withdrawn where its turn is cancelled', () => {
    const stopped = waits.and(g(cancel()))
    const next = plan(stopped.session, [], said(6), true)
    expect(types(next?.events ?? [])).toEqual([
      'approval.withdrawn',
      'tool-call.cancelled',
      'tool-call.cancelled',
      'turn.cancelled',
    ])
    expect(next?.after.timers).toEqual([])
    expect(
      stopped.and(e(...(next?.events ?? []))).and(decides(decision('k1', 'approved', 'make'))).session.turn,
    ).toBeNull()
    expect(turnCancelled('t1').type).toBe('turn.cancelled')
  })

  it('is decided by what a gateway says in the name of whoever decides, about these arguments, once', () => {
    const forged = [
      decides(decision('k1', 'approved', 'make all')),
      decides(decision('k1', 'approved', 'make'), 'user:eve'),
      by(user, e(decision('k1', 'approved', 'make'))),
      by(user, t(decision('k1', 'approved', 'make'))),
      decides(decision('k2', 'approved', 'make')),
      decides(decision('k1', 'edited', 'make')),
    ]
    for (const one of forged) expect(waits.and(one).session).toBe(waits.session)
    const denied = waits.and(decides(decision('k1', 'denied', 'make')))
    expect(denied.and(decides(decision('k1', 'approved', 'make'))).session).toBe(denied.session)
  })
})

describe('approvals of several people', () => {
  const two = settled(asked({ mode: 'default', quorum: 2, excludeRequester: true }, [always], run('k1', 'make')))
  const vote = (who: string, one = decision('k1', 'approved', 'make', { approver: who })) => decides(one, who)

  it('count one each, and not that of whoever asked', () => {
    expect(two.and(vote(user)).session).toBe(two.session)
    const first = two.and(vote('user:bob'))
    expect(statusOf(first.session)).toBe('waiting')
    expect(first.and(vote('user:bob')).session).toBe(first.session)
    expect(types(due(first.and(vote('user:cid')).session, 9)?.events ?? [])).toEqual(['tool-calls.requested'])
  })

  it('begin again with an edit: what was approved before was something else', () => {
    const edit = decision('k1', 'edited', 'make', { approver: 'user:cid', arguments: { command: 'make -n' } })
    const edited = two.and(vote('user:bob'), vote('user:cid', edit))
    expect(edited.session.turn?.calls[0]?.state).toMatchObject({ kind: 'waiting', votes: ['user:cid'] })
    expect(edited.and(vote('user:dan')).session).toBe(edited.session)
    const again = edited.and(vote('user:bob', decision('k1', 'approved', 'make -n', { approver: 'user:bob' })))
    expect(due(again.session, 9)?.events).toMatchObject([{ data: { calls: [{ arguments: { command: 'make -n' } }] } }])
  })
})

describe('grants', () => {
  const granted = (target?: string): SessionEvent => ({
    type: 'grant.added',
    data: { grant: 'g1', tool: 'shell', ...(target === undefined ? {} : { target }), call: 'k0' },
  })
  const open = (...calls: readonly ReturnType<typeof asks>[]) => asked({ mode: 'always' }, [shell, grep], ...calls)

  it('let calls pass, which say so and name the grant', () => {
    const one = open(run('k1', 'make')).and(g(granted()))
    expect(plan(one.session, [], said(5), true)?.events).toMatchObject([
      { type: 'approval.granted', data: { call: 'k1', grant: 'g1', digest: digestOf('make') } },
      { type: 'tool-calls.requested' },
    ])
  })

  it('let calls pass that wait already', () => {
    const one = settled(open(run('k1', 'make'))).and(g(granted()))
    expect(types(plan(one.session, [], said(9), true)?.events ?? [])).toEqual([
      'approval.granted',
      'tool-calls.requested',
    ])
  })

  it('for a target speak for that target and no other', () => {
    const one = open(run('k1', 'a && b')).and(g(granted('a && b')))
    expect(types(plan(one.session, [], said(5), true)?.events ?? [])).toContain('approval.granted')
    for (const command of ['a && c', 'a', 'a && b && c', 'a  && b', 'a && b; c']) {
      const other = open(run('k1', command)).and(g(granted('a && b')))
      expect(types(plan(other.session, [], said(5), true)?.events ?? [])).toEqual(['approval.requested'])
    }
  })

  it('are over when they are revoked', () => {
    const one = open(run('k1', 'make')).and(g(granted()), g({ type: 'grant.revoked', data: { grant: 'g1' } }))
    expect(types(plan(one.session, [], said(6), true)?.events ?? [])).toEqual(['approval.requested'])
  })

  it('do not speak where each call must be approved', () => {
    const one = asked({ mode: 'default' }, [{ ...shell, approval: 'must' }], run('k1', 'make')).and(g(granted()))
    expect(types(plan(one.session, [], said(5), true)?.events ?? [])).toEqual(['approval.requested'])
  })

  it('are given by gateways alone', () => {
    const one = open(run('k1', 'make'))
    expect(one.and(e(granted())).session).toBe(one.session)
  })
})

describe('approval_mode', () => {
  const outcome = (data: ApprovalPolicy, tool: PinnedTool = shell) =>
    plan(asked(data, [tool], run('k1', 'make')).session, [], said(4), true)?.events[0]

  it.each<[string, ApprovalPolicy, PinnedTool, string]>([
    ['default: what the tool says, nothing', { mode: 'default' }, shell, 'tool-calls.requested'],
    ['default: the tool asks', { mode: 'default' }, { ...shell, approval: 'ask' }, 'approval.requested'],
    [
      'default: the definition asks',
      { mode: 'default', tools: { 'sh*': { approval: 'always' } } },
      shell,
      'approval.requested',
    ],
    ['always: every tool', { mode: 'always' }, shell, 'approval.requested'],
    ['always, but for this tool', { mode: 'always' }, { ...shell, rule: { approval: 'auto' } }, 'tool-calls.requested'],
    [
      'always, but for these commands',
      { mode: 'always' },
      { ...shell, rule: { allow: ['make*'] } },
      'tool-calls.requested',
    ],
    [
      'always, and for other commands',
      { mode: 'always' },
      { ...shell, rule: { allow: ['npm*'] } },
      'approval.requested',
    ],
    ['autonomous: no tool waits', { mode: 'autonomous' }, { ...shell, approval: 'ask' }, 'tool-calls.requested'],
  ])('%s', (_, data, tool, type) => {
    expect(outcome(data, tool)?.type).toBe(type)
  })

  it('never: a call that comes all the same ends in an error that says so', () => {
    expect(outcome({ mode: 'never' })).toMatchObject({
      data: { status: 'error', code: 'tools-off', output: expect.stringContaining('approval_mode: never') },
    })
  })

  it('autonomous: what must be approved is refused, and that is recorded', () => {
    for (const tool of [{ ...shell, approval: 'must' as const }, always])
      expect(outcome({ mode: 'autonomous' }, tool)).toMatchObject({
        data: { status: 'error', code: 'must-approve', output: expect.stringContaining('autonomous') },
      })
  })
})

describe('a tool of which its MCP server says that it is destructive', () => {
  const wipe: PinnedTool = {
    ...{ name: 'mcp__notes__wipe', source: 'mcp:notes', replay: 'never', risk: 'external', digest: 'd' },
    approval: 'ask',
  }
  const next = (data: ApprovalPolicy) => {
    const { session } = given(
      g(started({ toolset: [wipe], tools: { [wipe.name]: 'never' } }), policy(data), message('m1')),
      e(turn('t1', 'm1'), calling('c1', 't1')),
      e(answered('c1', asks('k1', wipe.name))),
    )
    return plan(session, [], said(4), true)?.events
  }

  it('asks a person, who reads why', () => {
    const reason = 'The MCP server "notes" calls this tool destructive.'
    expect(next({ mode: 'default' })).toMatchObject([{ type: 'approval.requested', data: { reason } }])
  })

  it('asks nobody where the definition allows it, and none where the agent runs without people', () => {
    const rules = { 'mcp__notes__*': { approval: 'auto' } } as const
    expect(types(next({ mode: 'default', tools: rules }) ?? [])).toEqual(['tool-calls.requested'])
    expect(types(next({ mode: 'autonomous' }) ?? [])).toEqual(['tool-calls.requested'])
  })
})

describe('a tool that asks for a person itself', () => {
  const needed: SessionEvent = { type: 'approval.needed', data: { call: 'k1', reason: 'It deletes a branch.' } }
  const open = asked({ mode: 'default' }, [shell], run('k1', 'make')).and(
    e(requested('t1', ['k1', 'never'])),
    t(needed),
  )

  it('is asked by its runner before each call, and not again once it has said so', () => {
    const looking = asked({ mode: 'default' }, [{ ...shell, looks: true }], run('k1', 'make'))
    expect(plan(looking.session, [], said(9), true)?.events).toMatchObject([{ data: { calls: [{ looks: true }] } }])
  })

  it('may say that no grant speaks for the person', () => {
    const must: SessionEvent = { type: 'approval.needed', data: { call: 'k1', reason: 'Much.', must: true } }
    const state = asked({ mode: 'default' }, [shell], run('k1', 'make')).and(
      e(requested('t1', ['k1', 'never'])),
      t(must),
    )
    expect(plan(state.session, [], said(9), true)?.events).toMatchObject([{ data: { reason: 'Much.', must: true } }])
  })

  it('is asked once: then a person is, for the reason that it gave', () => {
    expect(plan(open.session, [], said(9), true)?.events).toMatchObject([
      { type: 'approval.requested', data: { reason: 'It deletes a branch.' } },
    ])
    const approved = settled(open).and(decides(decision('k1', 'approved', 'make')))
    const again = settled(approved)
    expect(again.session.turn?.calls[0]?.state.kind).toBe('requested')
    expect(again.and(t(needed)).session).toBe(again.session)
  })
})
