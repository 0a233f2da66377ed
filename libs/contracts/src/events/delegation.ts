// delegation.*: one session asks another. Each step between them is a frame in one, addressed to the pool of the other.
import { type Static, Type } from 'typebox'
import { OnPause } from '../agents/sub-agents.ts'
import { BudgetLimits, Spent } from '../budget/limits.ts'
import { Usage } from './content.ts'
import { id } from './fields.ts'

const count = Type.Integer({ minimum: 0 })

/** A call that had run, or may have, when its turn was stopped: what it did is not undone. */
export const RanCall = Type.Object({
  call: id,
  /** The tool. */
  name: id,
  /** `unknown`: nobody knows whether it ran. `interrupted`: it was stopped while it ran. */
  how: Type.Union([Type.Literal('done'), Type.Literal('failed'), Type.Literal('unknown'), Type.Literal('interrupted')]),
})
export type RanCall = Static<typeof RanCall>

/** That a cancel reached a session and all below it that it had to reach, and what had run there. `omitted`: calls that are not listed. */
export const Stopped = Type.Object({
  sessions: count,
  ran: Type.Array(Type.Object({ session: id, agent: id, ...RanCall.properties })),
  omitted: Type.Optional(count),
})
export type Stopped = Static<typeof Stopped>

/** An agent that the session may delegate to, as it was when the session started. */
export const DeclaredAgent = Type.Object({
  name: id,
  /** For the model that delegates. */
  description: Type.String(),
  onPause: OnPause,
  /** The definition, and the pool whose executors begin the child. Absent: `gone`. */
  digest: Type.Optional(id),
  pool: Type.Optional(id),
  /** The workflow that the entry names. */
  workflow: Type.Optional(id),
  /** The answers of its sessions here have to fit it. */
  outputSchema: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** It lists agents itself, so it may need sessions of the tree. */
  delegates: Type.Optional(Type.Literal(true)),
  /** What each delegation to it may use at most, as its entry and its definition say. */
  budget: Type.Optional(BudgetLimits),
  /** The definition lists it, and the registry has it no more. */
  gone: Type.Optional(Type.Literal(true)),
})
export type DeclaredAgent = Static<typeof DeclaredAgent>

/** A workflow of a project, as it was when it was pinned: where its code stands in the build that the entry of the agent has as its digest. */
export const PinnedWorkflow = Type.Object({ workflow: id, project: id, file: Type.String() })
export type PinnedWorkflow = Static<typeof PinnedWorkflow>

/** What is asked of a child, in the words of the model above. */
const asked = {
  instruction: Type.String(),
  /** JSON or plain text. */
  input: Type.Optional(Type.String()),
  expectedOutput: Type.Optional(Type.String()),
}

export const delegationEvents = {
  /** Beside session.started: who may be delegated to, and how far. `levels`: of sessions below; `sessions`: of the tree, that may be given away. */
  'agents.declared': Type.Object({
    agents: Type.Array(DeclaredAgent),
    levels: count,
    fanOut: count,
    perTurn: count,
    sessions: count,
  }),
  /** Behind agents.declared: those of them whose sessions are runs of workflows. */
  'workflows.declared': Type.Object({
    workflows: Type.Array(Type.Object({ agent: id, ...PinnedWorkflow.properties })),
  }),
  /**
   * Behind agents.declared, where the model has the tool `task`: those of the agents that it may name, and what it is without a name: the
   * configuration of the session itself. `folder`: what the `cwd` of a task lies in.
   */
  'task.declared': Type.Object({ agents: Type.Array(id), own: DeclaredAgent, folder: Type.Optional(Type.String()) }),
  /** Beside session.started of a child whose waiting for people is told to the session above. */
  'parent.declared': Type.Object({ onPause: Type.Literal('return') }),
  /**
   * `sessions`: how many further sessions of the tree the child may give away. `levels`: below the child. `budget`: the slice that is set
   * aside for it.
   */
  'delegation.requested': Type.Object({
    call: id,
    agent: id,
    digest: id,
    child: id,
    pool: id,
    ...asked,
    onPause: Type.Optional(OnPause),
    levels: Type.Optional(count),
    sessions: Type.Optional(count),
    budget: Type.Optional(BudgetLimits),
    /** A place of the folder of the child's definition, where it works. */
    cwd: Type.Optional(Type.String()),
  }),
  /** The child waits for people, and the session above does not wait with it. `output`: for what. */
  'delegation.paused': Type.Object({ call: id, child: id, output: Type.Unknown() }),
  /** A further call goes on with a child that was paused. */
  'delegation.resumed': Type.Object({ call: id, agent: id, child: id, pool: id, ...asked }),
  /** In the child: what becomes of it is the answer to this call of the session above. */
  'delegation.continued': Type.Object({ call: id }),
  /** The tree is paused: the session below is to pause too. `pause`: the frame of the pause in this session. */
  'delegation.pause-requested': Type.Object({ call: id, child: id, pool: id, pause: count }),
  /** The session below is to go on, where that pause has paused it. */
  'delegation.unpause-requested': Type.Object({ call: id, child: id, pool: id, pause: count }),
  /** The receipt of a pause: nothing works any more in the session below, nor in so many sessions with all below it. */
  'delegation.held': Type.Object({ call: id, child: id, pause: count, sessions: count }),
  'delegation.cancel-requested': Type.Object({ call: id, child: id, pool: id }),
  /**
   * `result`: the output as JSON, where it is more than a text. `sessions`: of the tree, that the child has used. `spent`: of the budget,
   * that the child has used with all below it; the rest of its slice comes back.
   */
  'delegation.settled': Type.Object({
    call: id,
    child: id,
    status: Type.Union([Type.Literal('completed'), Type.Literal('failed'), Type.Literal('cancelled')]),
    output: Type.String(),
    result: Type.Optional(Type.Unknown()),
    sessions: Type.Optional(count),
    /** After a cancel of the turn above: the receipt. */
    stopped: Type.Optional(Stopped),
    spent: Type.Optional(Spent),
    /** Of the answer to a prompt: what it used, by which model, and what its failure is called. */
    usage: Type.Optional(Usage),
    model: Type.Optional(id),
    code: Type.Optional(id),
  }),
  /**
   * In the child, beside the message of a prompt: the end of the turn that takes it in is the answer to this call of the run above, whose
   * operation has this position. Without a message the prompt was cancelled before it was said.
   */
  'delegation.prompted': Type.Object({ call: id, position: count }),
}
