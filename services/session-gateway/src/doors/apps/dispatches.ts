// `dispatch(…)` of a project's code: a message that is accepted, and answered by nobody.
//   DI1. The receipt is given when the message is durable. Messages of one session are worked off in the order of their acceptance, those
//        of people among them.
//   DI2. With a key the same dispatch happens once; with another input under that key it is refused.
//   DI3. Code of workflows and tools runs elsewhere: whoever runs it asks by `svc.session-gateway.dispatch`, on behalf of its project. What
//        that may, the project's app may too, and no more.
import {
  Dispatch,
  DispatchFor,
  type DispatchReceipt,
  dispatchText,
  type ProjectEntry,
  ReinsError,
  RunCompaction,
  RunRequestOf,
  workflowOfInline,
} from '@reins/contracts'
import type { Caller } from '../../api/caller.ts'
import type { Registry } from '../../ports.ts'
import { checker } from '../http/check.ts'
import type { AgentDoor } from './agent-door.ts'
import { appCaller, instanceOf, sessionNameOf } from './asked.ts'

const form = checker(Dispatch, 'dispatch')
const formOfService = checker(DispatchFor, 'dispatch')
const formOfCompaction = checker(RunCompaction, 'compaction')
const formOfRunRequest = checker(RunRequestOf, 'request')

/** Throws what the message is refused with. */
export async function dispatched(
  door: Pick<AgentDoor, 'accept'>,
  caller: Caller,
  value: unknown,
  now: number,
): Promise<DispatchReceipt> {
  const { agent, id, session, input, idempotencyKey } = form.parse(value)
  if (input === undefined)
    throw new ReinsError('invalid_request', 'The dispatch has no input: use null for an intentional empty payload.')
  const { message } = await door.accept(caller, {
    ...{ agent, instance: instanceOf(id), session: sessionNameOf(session), key: idempotencyKey },
    message: dispatchText(input),
  })
  return { dispatchId: message, acceptedAt: new Date(now).toISOString() }
}

/** DI3. Throws as `dispatched`. */
export async function dispatchedFor(
  door: Pick<AgentDoor, 'accept'>,
  registry: Pick<Registry, 'project' | 'codeAgent' | 'codeWorkflow'>,
  value: unknown,
  now: number,
): Promise<DispatchReceipt> {
  const { sender, dispatch } = formOfService.parse(value)
  const project = 'project' in sender ? registry.project(sender.project) : projectOfAgent(registry, sender.agent)
  if (!project || project.deleted)
    throw new ReinsError('project_not_found', 'The project whose code dispatches this is not there any more.')
  return dispatched(door, appCaller(project, undefined), dispatch, now)
}

function projectOfAgent(
  registry: Pick<Registry, 'codeAgent' | 'codeWorkflow'>,
  agent: string,
): ProjectEntry | undefined {
  const workflow = workflowOfInline(agent)
  return (workflow === undefined ? registry.codeAgent(agent) : registry.codeWorkflow(workflow))?.project
}

export const ofCompaction = (value: unknown): RunCompaction => formOfCompaction.parse(value)
export const ofRunRequest = (value: unknown): RunRequestOf => formOfRunRequest.parse(value)
