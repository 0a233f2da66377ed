// What a schedule does when it fires: it begins a run, or gives an agent's instance work. It may what its project may, and nothing else.
//   FS1. It outlives what whoever deployed the project may: a project is not one person's. A ban is another matter: nothing that somebody
//        banned has deployed begins anything by itself, until somebody else deploys the project, or goes back to a build of it.
import { dispatchText, type ProjectEntry, type ProjectSchedule, ReinsError } from '@reins/contracts'
import type { Api } from '../api/api.ts'
import { asReinsError } from '../api/errors.ts'
import { errorOf } from '../api/outcomes.ts'
import type { AgentDoor } from '../doors/apps/agent-door.ts'
import { appCaller } from '../doors/apps/asked.ts'

interface Parts {
  readonly api: Pick<Api, 'runs'>
  readonly door: Pick<AgentDoor, 'accept'>
  readonly registry: Deployers
}

/** Whoever deployed projects, as they stand now. */
export interface Deployers {
  principal(name: string): { readonly banned: boolean } | undefined
}

/** FS1. Why no schedule of the project fires; undefined: they fire. */
export function stoppedFor({ by }: Pick<ProjectEntry, 'by'>, registry: Deployers): string | undefined {
  const name = by.replace(/^user:/, '')
  return registry.principal(name)?.banned ? `${name}, who deployed the project, is banned` : undefined
}

/** Never rejects. undefined: it is stored; once for one key. */
export async function fireSchedule(
  { api, door, registry }: Parts,
  project: ProjectEntry,
  schedule: ProjectSchedule,
  key: string,
): Promise<ReinsError | undefined> {
  const { of, name, payload, id = 'default', session, input } = schedule
  const caller = appCaller(project, 'schedule')
  const stopped = stoppedFor(project, registry)
  if (stopped !== undefined) return new ReinsError('forbidden', `${stopped}.`)
  try {
    if (of === 'agent') {
      await door.accept(caller, { agent: name, instance: id, session, message: dispatchText(input ?? null), key })
      return undefined
    }
    const request = { workflow: name, ...(payload === undefined ? {} : { payload }) }
    const outcome = await api.runs.start(caller, request, { key })
    return outcome.kind === 'refused' ? errorOf(outcome) : undefined
  } catch (error) {
    return asReinsError(error)
  }
}
