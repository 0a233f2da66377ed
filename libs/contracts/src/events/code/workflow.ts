// Runs of workflows: sessions of their own, whose code calls agents in sessions below them, and waits for what comes from outside.
import { Type } from 'typebox'
import { BudgetLimits } from '../../budget/limits.ts'
import { UserContent } from '../content.ts'
import { id } from '../fields.ts'
import { PinnedDefinition } from './configured.ts'
import { maxWaitName } from './run.ts'

const operation = { position: Type.Integer({ minimum: 0 }), name: id }
const count = Type.Integer({ minimum: 0 })

export const workflowEvents = {
  /**
   * Beside run.declared: this session is a run of the workflow, which was given the payload. `schedule`: the fire time that began it.
   * `request`: an HTTP request began it, which this gateway has in its memory, as long as it has it.
   */
  'run.invoked': Type.Object({
    workflow: id,
    project: id,
    payload: Type.Optional(Type.Unknown()),
    schedule: Type.Optional(Type.Object({ name: id, at: count })),
    request: Type.Optional(Type.Object({ gateway: id })),
  }),
  /** The code has an agent from now on, under the name of a harness: its definition as it was resolved then. `needsModel`: each prompt names one. */
  'run.initialized': Type.Object({
    ...operation,
    agent: id,
    digest: id,
    pool: id,
    needsModel: Type.Optional(Type.Literal(true)),
  }),
  /**
   * A session below is to answer this; it is made for the first prompt. `harness` names the operation that says which agent it is of.
   * `levels`, `sessions`, `budget`: what it is given of the run's own, where it is made.
   */
  'run.prompted': Type.Object({
    ...operation,
    harness: id,
    child: id,
    pool: id,
    content: UserContent,
    output: Type.Optional(
      Type.Object({ schema: Type.Record(Type.String(), Type.Unknown()), retries: Type.Optional(count) }),
    ),
    levels: count,
    sessions: count,
    budget: Type.Optional(BudgetLimits),
  }),
  /**
   * Beside the message that code asks a turn with (run.called, run.prompted, message.received): in the place of a model's answer, the turn
   * has this one call, and ends with its result.
   */
  'tool.asked': Type.Object({ message: id, name: id, arguments: Type.Record(Type.String(), Type.Unknown()) }),
  /**
   * Beside run.prompted: the definition that answers this prompt, where it is not that of the harness, or the prompt before it was answered
   * by another. `pinned`: in the session below, before the message: from its next turn on. What the definition declares stands behind it.
   */
  'prompt.configured': Type.Object({ message: id, digest: id, pinned: Type.Optional(PinnedDefinition) }),
  /**
   * Tools whose functions the code of this run gave with the operation at this position: beside it in the run, and in the session below,
   * whose model has them, behind what its definition pins.
   */
  'tools.given': Type.Object({ run: id, position: count, tools: Type.Array(id) }),
  /** The run waits for input (`pause`), or for an event of this name from outside. */
  'run.waited': Type.Object({
    ...operation,
    event: Type.Optional(Type.String({ minLength: 1, maxLength: maxWaitName })),
    output: Type.Optional(Type.Unknown()),
  }),
  /** Something came from outside: an event by its name, or the input of a pause at its position. */
  'run.delivered': Type.Object({
    delivery: id,
    event: Type.Optional(Type.String({ minLength: 1, maxLength: maxWaitName })),
    position: Type.Optional(count),
    value: Type.Optional(Type.Unknown()),
  }),
  /** The session above goes on with a run that it delegates to: its words are the input of the pause at this position. */
  'run.continued': Type.Object({ call: id, position: count, value: Type.Optional(Type.Unknown()) }),
}
