// What a schedule does when it fires: it begins a run, or gives an agent's instance work. It may what its project may, and nothing else.
import { dispatchText, type ProjectEntry, type ProjectSchedule, type ReinsError } from '@reins/contracts'
import type { Api } from '../api/api.ts'
import { asReinsError } from '../api/errors.ts'
import { errorOf } from '../api/outcomes.ts'
import type { AgentDoor } from '../doors/apps/agent-door.ts'
import { appCaller } from '../doors/apps/asked.ts'

interface Parts {
  readonly api: Pick<Api, 'runs'>
  readonly door: Pick<AgentDoor, 'accept'>
}

/** Never rejects. undefined: it is stored; once for one key. */
export async function fireSchedule(
  { api, door }: Parts,
  project: ProjectEntry,
  schedule: ProjectSchedule,
  key: string,
): Promise<ReinsError | undefined> {
  const { of, name, payload, id = 'default', session, input } = schedule
  const caller = appCaller(project, 'schedule')
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
