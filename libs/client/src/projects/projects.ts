// Projects as typed calls.
import type { Project, ProjectAnswer, ProjectList, Schedule, ScheduleList } from '@reins/contracts'
import { answers } from '../answers.ts'
import type { Transport } from '../transport/transport.ts'

export interface ProjectCalls {
  /** `bundle`: what reins build made. `development`: one of many builds, which is removed when nothing needs it any more. */
  deploy(name: string, bundle: string, options?: { readonly development?: true }): Promise<ProjectAnswer>
  /** `version`: default: the latest build before the present one. */
  rollback(name: string, version?: number): Promise<ProjectAnswer>
  get(name: string): Promise<Project>
  /** All of them, by name. */
  list(): Promise<readonly Project[]>
  delete(name: string): Promise<void>
  /** Of all of them: when workflows and agents run by themselves. */
  schedules(): Promise<readonly Schedule[]>
}

export function projectCalls(transport: Transport): ProjectCalls {
  const path = '/v1/projects'
  const at = (name: string): string => `${path}/${encodeURIComponent(name)}`
  return {
    deploy: (name, bundle, options = {}) =>
      transport.json<ProjectAnswer>(
        { method: 'PUT', path: at(name), body: { bundle, ...options } },
        answers.projectPut,
      ),
    rollback: (name, version) => {
      const body = version === undefined ? {} : { version }
      return transport.json<ProjectAnswer>({ method: 'POST', path: `${at(name)}/rollback`, body }, answers.projectPut)
    },
    get: async (name) =>
      (await transport.json<{ project: Project }>({ method: 'GET', path: at(name) }, answers.project)).project,
    list: async () => (await transport.json<ProjectList>({ method: 'GET', path }, answers.projects)).projects,
    async delete(name) {
      await transport.json({ method: 'DELETE', path: at(name) }, answers.anything)
    },
    schedules: async () =>
      (await transport.json<ScheduleList>({ method: 'GET', path: '/v1/schedules' }, answers.schedules)).schedules,
  }
}
