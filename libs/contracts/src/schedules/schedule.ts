// When the workflows and agents of a project are to run by themselves: what their modules export as `schedule`, as the manifest has it.
import { type Static, Type } from 'typebox'
import { maxInstanceId, moduleNamePattern } from '../agents/code/instance.ts'
import { isTimeZone, readCron } from './cron.ts'

const closed = { additionalProperties: false } as const

/** What becomes of times at which no gateway ran. */
export const MissedPolicy = Type.Union([Type.Literal('latest'), Type.Literal('all'), Type.Literal('skip')], {
  description: 'Of missed times: the latest alone, the last ten, or none',
})
export type MissedPolicy = Static<typeof MissedPolicy>

export const maxSchedules = 200

export const ProjectSchedule = Type.Object(
  {
    of: Type.Union([Type.Literal('workflow'), Type.Literal('agent')]),
    name: Type.String({ pattern: moduleNamePattern, description: 'Of the workflow or the agent' }),
    /** From 1, among those of its module. */
    number: Type.Integer({ minimum: 1 }),
    file: Type.String({ maxLength: 1024 }),
    cron: Type.String({ maxLength: 200 }),
    timeZone: Type.String({ maxLength: 100 }),
    missed: MissedPolicy,
    payload: Type.Optional(Type.Unknown({ description: 'Of a workflow' })),
    id: Type.Optional(
      Type.String({ minLength: 1, maxLength: maxInstanceId, description: 'Of the instance of an agent' }),
    ),
    session: Type.Optional(Type.String({ minLength: 1, maxLength: maxInstanceId })),
    input: Type.Optional(Type.Unknown({ description: 'What the agent is given' })),
  },
  closed,
)
export type ProjectSchedule = Static<typeof ProjectSchedule>

/** What is wrong with it, after the name of its file; undefined: nothing. */
export function scheduleProblem({ file, number, cron, timeZone }: ProjectSchedule): string | undefined {
  const read = readCron(cron)
  const which = number === 1 ? 'schedule' : `schedule ${number}`
  if (read.kind === 'wrong') return `${file}: the cron ${JSON.stringify(cron)} of its ${which} ${read.message}.`
  if (!isTimeZone(timeZone))
    return `${file}: its ${which} has the time zone ${JSON.stringify(timeZone)}, which is none; write one such as "Europe/Berlin".`
  return undefined
}

/** As people see it. */
export const Schedule = Type.Object(
  {
    project: Type.String(),
    ...ProjectSchedule.properties,
    next: Type.Optional(Type.Integer({ description: 'When it fires next; epoch ms. Absent: never' })),
    stopped: Type.Optional(Type.String({ description: 'Why it does not fire then' })),
  },
  closed,
)
export type Schedule = Static<typeof Schedule>

export const ScheduleList = Type.Object({ schedules: Type.Array(Schedule) }, closed)
export type ScheduleList = Static<typeof ScheduleList>
