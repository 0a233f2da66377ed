// Projects: written through the registry service, read from the view of its stream, so reading works while it is away.
import {
  type DeployProject,
  isProjectName,
  nextOf,
  type Project,
  type ProjectAnswer,
  type ProjectEntry,
  type ProjectSchedule,
  readCron,
  ReinsError,
  type Reply,
  type Schedule,
  serviceSubject,
} from '@reins/contracts'
import type { GatewayConfig } from '../ports.ts'
import { secretsOf } from './agents.ts'
import { authorize, type Caller } from './caller.ts'
import { operations } from './operations.ts'
import { stoppedFor } from '../schedules/fire-schedule.ts'

export type ProjectParts = Pick<GatewayConfig, 'registry' | 'call' | 'admission'>

/** ms to wait until this gateway has seen what it has just written. */
const seenWithinMs = 2000
/** ms in which the registry must have loaded the bundle. */
const deployWithinMs = 50_000

export class Projects {
  readonly #parts: ProjectParts
  constructor(parts: ProjectParts) {
    this.#parts = parts
  }

  /** Throws what the registry refuses with. */
  async deploy(caller: Caller, name: string, build: DeployProject): Promise<ProjectAnswer> {
    authorize(caller, operations.deployProject)
    return this.#write('projects.put', { name, ...build, by: caller.by, ...secretsOf(caller) }, deployWithinMs)
  }

  async rollback(caller: Caller, name: string, version: number | undefined): Promise<ProjectAnswer> {
    authorize(caller, operations.rollbackProject)
    return this.#write('projects.rollback', {
      ...{ name, by: caller.by, ...secretsOf(caller) },
      ...(version === undefined ? {} : { version }),
    })
  }

  async delete(caller: Caller, name: string): Promise<{ readonly name: string }> {
    authorize(caller, operations.deleteProject)
    return this.#write('projects.delete', { name, by: caller.by })
  }

  /** Throws project_not_found. */
  show(caller: Caller, name: string): Project {
    authorize(caller, operations.showProject)
    const entry = isProjectName(name) ? this.#parts.registry.project(name) : undefined
    if (!entry) throw new ReinsError('project_not_found', `There is no project ${JSON.stringify(name.slice(0, 80))}.`)
    return projectOf(entry)
  }

  list(caller: Caller): readonly Project[] {
    authorize(caller, operations.listProjects)
    return this.#parts.registry.projects().map(projectOf)
  }

  /** In the order in which they fire. `now`: epoch ms. */
  schedules(caller: Caller, now: number): Schedule[] {
    authorize(caller, operations.listSchedules)
    const { registry } = this.#parts
    const all = registry.projects().flatMap((project) => {
      const stopped = stoppedFor(project, registry)
      const more = stopped === undefined ? {} : { stopped }
      const { name, manifest } = project
      return (manifest.schedules ?? []).map((schedule) => ({ ...scheduleOf(name, schedule, now), ...more }))
    })
    return all.toSorted((a, b) => (a.next ?? Number.MAX_VALUE) - (b.next ?? Number.MAX_VALUE))
  }

  async #write<T>(verb: string, request: unknown, withinMs?: number): Promise<T> {
    const obstacle = this.#parts.admission?.writes()
    if (obstacle) throw obstacle
    const reply: Reply<T> = await this.#parts.call<T>(serviceSubject('registry', verb), request, withinMs)
    if (!reply.ok) {
      const { code, message, details, next } = reply.error
      throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
    }
    if (reply.seq !== undefined) await this.#parts.registry.waitFor(reply.seq, seenWithinMs)
    return reply.value
  }
}

function scheduleOf(project: string, schedule: ProjectSchedule, now: number): Schedule {
  const read = readCron(schedule.cron)
  const next = read.kind === 'cron' ? nextOf(read.cron, schedule.timeZone, now) : undefined
  return { project, ...schedule, ...(next === undefined ? {} : { next }) }
}

const projectOf = ({ deleted: _, ...project }: ProjectEntry): Project => project
