// Whom a session may delegate to, how far, and what became of each child. Pure data, part of the fold.
//   TM1. A session gives away no more sessions of its tree than it was given: each child costs one, and what the child may give away
//        itself is taken from the same number when the child is asked for. What a child did not use comes back with its end.
//   TM2. So the limit of the whole tree holds without anybody counting the tree: sessions that work side by side share nothing.
import type { BudgetLimits, DeclaredAgent, EventData, PinnedWorkflow, Spent, Stopped } from '@reins/contracts'
import type { Call, Session } from '../session.ts'

export interface TeamLimits {
  /** Of sessions below this one; 0: it delegates no more. */
  readonly levels: number
  /** Delegations of one answer. */
  readonly fanOut: number
  readonly perTurn: number
  /** Sessions that may be given away. */
  readonly sessions: number
}

export interface Member extends DeclaredAgent {
  /** Its sessions are runs of this workflow, in the build that is its digest. */
  readonly runs?: PinnedWorkflow
}

export interface Child {
  readonly agent: string
  /** The latest call that asked for it. */
  readonly call: string
  readonly pool: string
  readonly status: 'open' | 'paused' | 'completed' | 'failed' | 'cancelled'
  /** Of the sessions that were given away: this child and what it may use. */
  readonly taken: number
  /** The slice of the budget that is set aside for it; absent: none is, or it has come back. */
  readonly budget?: BudgetLimits
  /** Below a run: what it has told last that it has used in all. */
  readonly spent?: Spent
  /** It was asked to cancel while nobody waited for it. */
  readonly cancelSent?: true
  /** It was asked to pause, by the pause of this frame; and has said that so many sessions are paused. */
  readonly pause?: number
  readonly held?: number
  /** After the cancel of its call: what became of it, and of all below it. */
  readonly stopped?: Stopped
}

/** What the model calls to hand work to a fresh context. */
export const taskName = 'task'

/** Of a session whose model has the tool `task`. */
export interface Task {
  /** Those of the agents that it may name. */
  readonly agents: readonly string[]
  /** Whom it asks without a name. */
  readonly own: Member
  /** What the folder of a task lies in; absent: there is none to choose. */
  readonly folder?: string
}

export interface Team extends TeamLimits {
  readonly agents: readonly Member[]
  /** Absent: its model delegates by `delegate` alone. */
  readonly task?: Task
  readonly children: Readonly<Record<string, Child>>
}

const noLimit = 1_000_000

/** Of a session that started before there was agents.declared. */
export function undeclaredTeam(
  agents: Readonly<Record<string, { readonly digest: string; readonly pool: string }>>,
): Pick<Session, 'team'> {
  const names = Object.keys(agents)
  if (names.length === 0) return {}
  const members = names.map((name): DeclaredAgent => ({ name, description: '', onPause: 'wait', ...agents[name]! }))
  return {
    team: {
      agents: members,
      children: {},
      ...{ levels: noLimit, fanOut: noLimit, perTurn: noLimit, sessions: noLimit },
    },
  }
}

export const declaredTeam = ({ agents, levels, fanOut, perTurn, sessions }: EventData<'agents.declared'>): Team => ({
  agents,
  levels,
  fanOut,
  perTurn,
  sessions,
  children: {},
})

export function withWorkflows(team: Team, { workflows }: EventData<'workflows.declared'>): Team {
  const agents = team.agents.map((one) => {
    const found = workflows.find(({ agent }) => agent === one.name)
    if (!found) return one
    const { agent: _, ...runs } = found
    return { ...one, runs }
  })
  return { ...team, agents }
}

export const memberOf = (team: Team | undefined, name: string): Member | undefined =>
  team?.agents.find((agent) => agent.name === name)

/** Whom a call asks, by whichever tool; undefined: nobody that there is. */
export function memberAsked(
  team: Team | undefined,
  { name, arguments: { agent } }: Pick<Call, 'name' | 'arguments'>,
): Member | undefined {
  const task = name === taskName ? team?.task : undefined
  if (task && isLeftOut(agent)) return task.own
  if (typeof agent !== 'string' || (task && !task.agents.includes(agent))) return undefined
  return memberOf(team, agent)
}

/** Models that have nothing to say may say so by an empty text, or null. */
export const isLeftOut = (value: unknown): boolean => value === undefined || value === null || value === ''

/** What the session has declared of the agent of a child; undefined: nothing, or the child has the session's own configuration. */
export function declaredBehind(
  team: Team | undefined,
  { agent, digest }: { readonly agent: string; readonly digest: string },
): Member | undefined {
  const own = team?.task?.own
  return own?.name === agent && own.digest === digest ? undefined : memberOf(team, agent)
}

export const childOf = (team: Team | undefined, child: string): Child | undefined =>
  team && Object.hasOwn(team.children, child) ? team.children[child] : undefined

export const sessionsUsed = ({ children }: Team): number =>
  Object.values(children).reduce((sum, { taken }) => sum + taken, 0)

export const sessionsLeft = (team: Team): number => Math.max(team.sessions - sessionsUsed(team), 0)

export function withChild(
  session: Session,
  id: string,
  change: (child: Child | undefined) => Child | undefined,
): Session {
  const { team } = session
  if (!team) return session
  const before = childOf(team, id)
  const after = change(before)
  return after === undefined || after === before
    ? session
    : { ...session, team: { ...team, children: { ...team.children, [id]: after } } }
}

/** What a child may give away that is asked for now: an equal share of what is left, one share of which is kept. `due`: calls that are going to be asked for, this one among them. */
export function sliceFor(team: Team, member: DeclaredAgent, due: readonly Call[]): number {
  if (!member.delegates || team.levels < 2) return 0
  const left = sessionsLeft(team) - due.length
  const sharing = due.filter((call) => memberAsked(team, call)?.delegates).length
  return Math.max(Math.floor(left / (sharing + 1)), 0)
}
