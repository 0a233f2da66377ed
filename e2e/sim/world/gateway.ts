// The gateway and memory: they know a session by its head alone (PROTOCOL 2 and 4), and append what @reins/session says.
import { type EventOf, type Head, type SessionEvent, type Status, toExec, toLog } from '@reins/contracts'
import {
  type AnswerOutcome,
  type Decision,
  firstFrame,
  pauseTree,
  placeMessage,
  type RequestOutcome,
  raiseBudget,
  revokeGrant,
  steer,
  type VerdictOutcome,
} from '@reins/session'
import { type GatewayOp, mindOf } from '../scenarios/scenario.ts'
import { erasedAt } from './erasure.ts'
import { forked, root, type World } from './world.ts'

const depths = { child: 1, grandchild: 2 } as const

/** 0: the root. A session that was cancelled before it was made has none. */
function depthOf(world: World, id: string): number {
  if (id === root) return 0
  const parent = world.read(id).session.born?.parent?.session
  return parent === undefined ? -1 : depthOf(world, parent) + 1
}

/** null: not yet, for there is no such session. */
export function targetOf(world: World, op: GatewayOp): string | null {
  if (op.op === 'fork') return world.truth.has(root) ? forked : null
  const session = sessionOf(world, op.of)
  if ((op.op !== 'decide' && op.op !== 'answer') || session === null) return session
  return maySee(world, session) ? session : null
}

function sessionOf(world: World, of: GatewayOp['of']): string | null {
  if (of === undefined) return root
  if (of === 'fork') return world.truth.has(forked) ? forked : null
  return world.sessions().find((id) => depthOf(world, id) === depths[of]) ?? null
}

/** People decide when they are asked; where they never are, they find out at the end. */
function maySee(world: World, id: string): boolean {
  if (!world.truth.has(id)) return false
  const { turn, mode, inbox } = world.read(id).session
  // Also who comes second.
  if (turn?.calls.some(({ state, approval }) => state.kind === 'waiting' || approval !== undefined)) return true
  if (turn?.calls.some(({ state, elicited }) => state.kind === 'eliciting' || elicited !== undefined)) return true
  return mode.kind === 'ended' || (turn === null && inbox.length === 0)
}

/** The next thing that people do. */
export function operate(world: World): void {
  const op = world.scenario.gateway[world.done]
  const session = op && targetOf(world, op)
  if (!op || !session) return
  world.done++
  const { head } = world.read(session)
  const outcome = outcomeAt(world, session, op)
  // A fork goes on behind the head of the root.
  const on = op.op === 'fork' ? { ...world.read(root).head, seq: 0 } : head
  if (outcome.kind === 'append') world.send({ ...outcome.decision, session, head: on, by: 'gateway', role: 'g' }, null)
  else
    world.note(`the gateway ${outcome.kind === 'refused' ? `refuses ${op.op}: ${outcome.code}` : 'has nothing to do'}`)
  world.remembered = head.status
}

function outcomeAt(world: World, session: string, op: GatewayOp): RequestOutcome | VerdictOutcome | AnswerOutcome {
  if (op.op === 'compact' || op.op === 'restore') return contextAt(world, session, op)
  if (op.op === 'answer') return answeredBy(world, session, op)
  if (op.op === 'pause' && op.tree) return pauseTree(world.read(session))
  if (op.op === 'raise') return raisedBy(world, session, op)
  if (op.op === 'deliver') return deliveredAt(world, session)
  if (op.op === 'fork') return forkedAt(world, op)
  if (op.op === 'erase') return erasedAt(world, session)
  if (op.op === 'upgrade') return upgradedAt(world, session, op)
  return op.op === 'decide' || op.op === 'revoke'
    ? decidedBy(world, session, op)
    : outcomeOf(world, session, world.read(session).head, op)
}

function forkedAt(world: World, { message }: GatewayOp & { op: 'fork' }): RequestOutcome {
  const said: EventOf<'message.received'> | undefined =
    message === undefined
      ? undefined
      : {
          type: 'message.received',
          data: { message, content: [{ type: 'text', text: message }], onBusy: 'queue' },
        }
  return world.rules.forkFrame(world.read(root), { from: root, principal: 'who forks', message: said })
}

function deliveredAt(world: World, session: string): RequestOutcome {
  const { head } = world.read(session)
  if (head.status === 'ended') return { kind: 'refused', code: 'session_ended', status: head.status }
  const data = { delivery: `d${world.done}`, event: 'paid', value: world.done }
  return appended({ events: [{ type: 'run.delivered', data }], to: toExec(head.pool), status: head.status })
}

function upgradedAt(world: World, session: string, { events }: GatewayOp & { op: 'upgrade' }): RequestOutcome {
  const { head } = world.read(session)
  if (head.status === 'ended') return { kind: 'refused', code: 'session_ended', status: head.status }
  return appended({ events, to: toLog, status: head.status })
}

type ContextOp = Extract<GatewayOp, { op: 'compact' | 'restore' }>

function contextAt(world: World, session: string, { op }: ContextOp): RequestOutcome {
  const fold = world.read(session)
  return op === 'compact' ? world.rules.requestCompaction(fold, `r${world.done}`) : world.rules.restoreContext(fold)
}

function raisedBy(world: World, id: string, { tokens }: GatewayOp & { op: 'raise' }): RequestOutcome {
  const goOn: EventOf<'message.received'> = {
    type: 'message.received',
    data: { message: `go-on-${world.done}`, content: [{ type: 'text', text: 'go on' }], onBusy: 'queue' },
  }
  return raiseBudget(world.read(id), { tokens }, {}, goOn)
}

/** A person is done with a page that they accept. */
function answeredBy(world: World, id: string, { action }: GatewayOp & { op: 'answer' }): AnswerOutcome {
  const fold = world.read(id)
  const asked = fold.session.turn?.calls.flatMap(({ state }) => (state.kind === 'eliciting' ? [state] : []))[0]
  const done = action === 'accept' && asked?.mode === 'url'
  const answer = { elicitation: asked?.elicitation ?? 'none', action, ...(done ? { completed: true } : {}) }
  return world.rules.answerElicitation(fold, answer, 'gateway')
}

/** On the fold, not on the head alone. */
function decidedBy(world: World, id: string, op: Extract<GatewayOp, { op: 'decide' | 'revoke' }>): VerdictOutcome {
  const fold = world.read(id)
  if (op.op === 'revoke') return revokeGrant(fold, undefined)
  const calls = fold.session.turn?.calls ?? []
  const call = (calls.find(({ state }) => state.kind === 'waiting') ?? calls.find(({ approval }) => approval))?.call
  const said = {
    ...{ call: call ?? 'none', verdict: op.verdict, scope: op.scope ?? ('call' as const) },
    ...(op.verdict === 'edited' ? { arguments: { edited: world.done } } : {}),
  }
  return world.rules.decideApproval(fold, said, 'gateway', `g${world.done}`, () => undefined)
}

function outcomeOf(
  world: World,
  id: string,
  head: Head,
  op: Exclude<
    GatewayOp,
    | Extract<GatewayOp, { op: 'decide' | 'revoke' | 'answer' | 'raise' | 'deliver' | 'upgrade' | 'fork' | 'erase' }>
    | ContextOp
  >,
): RequestOutcome {
  if (op.op === 'rename') return rename(world, head)
  if (op.op !== 'message') return op.op === 'cancel' && op.end ? steer('end', 'x', head) : steer(op.op, 'x', head)
  const { message, onBusy, anew } = op
  const asked = permitted(op, message)
  const said: EventOf<'message.received'> = {
    type: 'message.received',
    data: { message, content: [{ type: 'text', text: message }], onBusy },
  }
  const started = { type: 'session.started', data: world.scenario.born } as const
  return head.n === 0
    ? appended(firstFrame(started, said, [...declared(world), ...permitted(op)], asked))
    : placeMessage(head, said, asked, { folded: world.read(id).session, anew })
}

/** Without a message: of who begins the session. */
function permitted({ may, message: from }: GatewayOp & { op: 'message' }, message?: string): readonly SessionEvent[] {
  if (!may) return []
  const data = { principal: `who said ${from}`, tools: [...may] }
  return [{ type: 'tools.permitted', data: message === undefined ? data : { message, ...data } }]
}

const invoked: readonly SessionEvent[] = [
  { type: 'agents.declared', data: { agents: [], levels: 2, fanOut: 4, perTurn: 8, sessions: 4 } },
  { type: 'run.invoked', data: { workflow: 'flow', project: 'project' } },
]
const isWorkflow = ({ code }: World['scenario']): boolean =>
  code?.some((op) => op === 'prompt' || op === 'wait') ?? false

function declared({ scenario }: World): readonly SessionEvent[] {
  const { servers, policy, teams, tasks, born, output, budget } = scenario
  const team = teams?.[born.agent]
  const task = tasks?.[born.agent]
  const pinned: readonly SessionEvent[] = [
    ...(policy ? [{ type: 'approvals.pinned' as const, data: policy }] : []),
    ...(team ? [{ type: 'agents.declared' as const, data: team }] : []),
    ...(task ? [{ type: 'task.declared' as const, data: task }] : []),
    ...(output ? [{ type: 'output.declared' as const, data: { schema: { type: 'object' }, ...output } }] : []),
    ...(scenario.code ? [{ type: 'run.declared' as const, data: { file: './code.ts', digest: 'code' } }] : []),
    ...(isWorkflow(scenario) ? invoked : []),
    ...mindOf(scenario, born.agent),
    ...(budget ? [{ type: 'budget.declared' as const, data: budget }] : []),
  ]
  if (!servers) return pinned
  const named = servers.map(({ server }) => ({ server }))
  return [...pinned, { type: 'toolset.declared', data: { servers: named, principal: 'ann', wait: 1000 } }]
}

/** The event is in the protocol, though no service writes it yet: the one that nobody is woken for, so only its status can be wrong. */
function rename(world: World, { status }: Head): RequestOutcome {
  if (status === 'ended') return { kind: 'refused', code: 'session_ended', status }
  // Known-wrong: it copies the status of the head that it read last time.
  const shown: Status = world.rules.statusWithoutFold ? world.remembered : status
  return appended({ events: [{ type: 'session.renamed', data: { title: 'title' } }], to: toLog, status: shown })
}

const appended = (decision: Decision): RequestOutcome => ({ kind: 'append', decision })

/** Memory takes a timer that has fired. `keeps`: it dies before it acks, and the timer comes again. */
export function fire(world: World, timer: string, keeps: boolean): void {
  const [session = '', id = ''] = timer.split(' ')
  const { head } = world.read(session)
  const decision = world.rules.fireTimer(head, id, head.pool)
  if (decision) world.send({ ...decision, session, head, by: 'memory', role: 'm' }, null)
  if (keeps) return
  const tim = new Set(world.tim)
  tim.delete(timer)
  world.tim = tim
}
