// `export const schedule = { cron: '0 9 * * 1-5', timeZone: 'Europe/Berlin' }` in a module of a workflow or an agent, or a list of such.
//   SC1. The times themselves are checked by whoever keeps the project; here it is the form alone.
import type { ProjectModule } from './define-project.ts'

interface Times {
  /** `minute hour day-of-month month day-of-week`, or `@daily` and the like. */
  readonly cron: string
  /** An IANA name. Default: `UTC`. */
  readonly timeZone?: string
  /** Times at which no Reins ran: the latest of them alone (the default), the last ten, or none. At most twelve hours back. */
  readonly missed?: 'latest' | 'all' | 'skip'
}

/** Of a workflow: a run begins at each time. */
export interface WorkflowSchedule extends Times {
  /** What the run is given as `ctx.payload`: any JSON. */
  readonly payload?: unknown
}

/** Of an agent: an instance is given work at each time. */
export interface AgentSchedule extends Times {
  /** The instance. */
  readonly id: string
  /** Default: `default`. */
  readonly session?: string
  /** Any JSON. The agent reads a text as it is, and anything else as JSON. */
  readonly input: unknown
}

export interface ScheduleFacts {
  readonly of: 'workflow' | 'agent'
  readonly name: string
  readonly number: number
  readonly file: string
  readonly cron: string
  readonly timeZone: string
  readonly missed: string
  readonly payload?: unknown
  readonly id?: string
  readonly session?: string
  readonly input?: unknown
}

const fieldsOf = {
  workflow: ['cron', 'timeZone', 'missed', 'payload'],
  agent: ['cron', 'timeZone', 'missed', 'id', 'session', 'input'],
} as const
const policies = ['latest', 'all', 'skip']
const most = 20
const mostChars = 10_000
const example = {
  workflow: `Write "export const schedule = { cron: '0 9 * * 1-5', timeZone: 'Europe/Berlin' }".`,
  agent: `Write "export const schedule = { cron: '0 9 * * 1-5', id: 'daily', input: 'What is new?' }".`,
} as const

/** What is wrong goes to `say`. */
export function schedulesOf(
  of: 'workflow' | 'agent',
  name: string,
  { module, file }: ProjectModule,
  say: (message: string) => void,
): readonly ScheduleFacts[] {
  const { schedule } = module
  if (schedule === undefined) return []
  const all: readonly unknown[] = Array.isArray(schedule) ? schedule : [schedule]
  if (all.length > most) say(`exports ${all.length} schedules; at most ${most} are allowed.`)
  return all.slice(0, most).flatMap((one, index) => {
    const which = all.length === 1 ? 'schedule' : `schedule ${index + 1}`
    const facts = factsOf(of, one, (message) => say(`its ${which} ${message} ${example[of]}`))
    return facts ? [{ of, name, number: index + 1, file, ...facts }] : []
  })
}

function factsOf(of: 'workflow' | 'agent', value: unknown, say: (message: string) => void) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return void say('must be an object.')
  const given = value as Readonly<Record<string, unknown>>
  const unknown = Object.keys(given).find((key) => !(fieldsOf[of] as readonly string[]).includes(key))
  if (unknown !== undefined) return void say(`has the unknown field "${unknown}".`)
  const { cron, timeZone = 'UTC', missed = 'latest', payload, id, session, input } = given
  if (typeof cron !== 'string') return void say('has no cron, which is a text.')
  if (typeof timeZone !== 'string') return void say('has a timeZone that is no text.')
  if (typeof missed !== 'string' || !policies.includes(missed))
    return void say('has a "missed" that is none of latest, all and skip.')
  const content = of === 'workflow' ? payload : input
  const json = jsonOf(content)
  if (json === undefined || json.length > mostChars)
    return void say(
      `has ${of === 'workflow' ? 'a payload' : 'an input'} that is no JSON of at most ${mostChars} characters.`,
    )
  const times = { cron, timeZone, missed }
  if (of === 'workflow') return { ...times, ...(payload === undefined ? {} : { payload: JSON.parse(json) as unknown }) }
  if (typeof id !== 'string' || id.trim() === '') return void say('has no id, which names the instance.')
  if (session !== undefined && (typeof session !== 'string' || session.trim() === ''))
    return void say('has a session that is no name.')
  if (input === undefined) return void say('has no input: say what the agent is to do.')
  return { ...times, id, ...(session === undefined ? {} : { session }), input: JSON.parse(json) as unknown }
}

/** undefined: it is none. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value ?? null)
  } catch {
    return undefined
  }
}
