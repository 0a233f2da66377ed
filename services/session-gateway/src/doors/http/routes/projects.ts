// Projects over HTTP. Decode, call, encode.
import {
  DeployProject,
  maxProjectBodyBytes,
  Project,
  ProjectAnswer,
  ProjectList,
  ProjectName,
  RollbackProject,
  ScheduleList,
} from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { json, type Route, route } from '../route.ts'

const closed = { additionalProperties: false } as const
const params = Type.Object({ name: ProjectName }, closed)

/** `noteOf`: what is to be said of a project that was deployed; `changed`: it was not there so before. */
export function projectRoutes(
  { projects }: Api,
  now: () => number,
  noteOf: (project: Project, changed: boolean) => readonly string[],
): readonly Route[] {
  const noted = (answer: ProjectAnswer): ProjectAnswer => {
    const warnings = [...(answer.warnings ?? []), ...noteOf(answer.project, answer.outcome !== 'unchanged')]
    return warnings.length === 0 ? answer : { ...answer, warnings }
  }
  return [
    route({
      ...operations.listSchedules,
      method: 'GET',
      path: '/v1/schedules',
      answers: { 200: ScheduleList },
      handle: async ({ caller }) => json(200, { schedules: projects.schedules(caller, now()) }),
    }),
    route({
      ...operations.deployProject,
      method: 'PUT',
      path: '/v1/projects/:name',
      params,
      body: DeployProject,
      maxBodyBytes: maxProjectBodyBytes,
      answers: { 200: ProjectAnswer, 201: ProjectAnswer },
      handle: async ({ params: { name }, body, caller }) => {
        const answer = await projects.deploy(caller, name, body)
        return json(answer.outcome === 'created' ? 201 : 200, noted(answer))
      },
    }),
    route({
      ...operations.rollbackProject,
      method: 'POST',
      path: '/v1/projects/:name/rollback',
      params,
      body: RollbackProject,
      answers: { 200: ProjectAnswer },
      handle: async ({ params: { name }, body: { version }, caller }) =>
        json(200, noted(await projects.rollback(caller, name, version))),
    }),
    route({
      ...operations.showProject,
      method: 'GET',
      path: '/v1/projects/:name',
      params,
      answers: { 200: Type.Object({ project: Project }, closed) },
      handle: async ({ params: { name }, caller }) => json(200, { project: projects.show(caller, name) }),
    }),
    route({
      ...operations.deleteProject,
      method: 'DELETE',
      path: '/v1/projects/:name',
      params,
      answers: { 200: Type.Object({ name: Type.String() }, closed) },
      handle: async ({ params: { name }, caller }) => json(200, await projects.delete(caller, name)),
    }),
    route({
      ...operations.listProjects,
      method: 'GET',
      path: '/v1/projects',
      answers: { 200: ProjectList },
      handle: async ({ caller }) => json(200, { projects: [...projects.list(caller)] }),
    }),
  ]
}
