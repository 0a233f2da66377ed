// What another version of its agent would change in a session, and what would break. Pure: two definitions, and what the session has made.
//   UG1. What is pinned for good cannot be upgraded: a session below another, a session whose code decides, the pool of its executors.
//   UG2. An open turn goes on with what it has begun with. So what breaks is what the session has made, and would have no more.
import type { AgentDefinition, SessionEvent } from '@reins/contracts'
import type { SessionStart } from '../lifecycle/session-started.ts'
import type { Session } from '../session.ts'
import { type PinnedStart, pinnedDefinition } from './agent-configured.ts'
import { upcoming } from './coming.ts'

export interface UpgradeChange {
  /** `model`, `system_prompt`, `tools.read_file`. */
  readonly what: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly from?: string
  readonly to?: string
}

export interface UpgradePlan {
  readonly changes: readonly UpgradeChange[]
  /** Whole sentences. It can be upgraded all the same. */
  readonly breaks: readonly string[]
  /** Whole sentences: it cannot be upgraded. */
  readonly obstacles: readonly string[]
  /** What says so, for the log. */
  readonly events: readonly SessionEvent[]
}

/** `before`: the definition that it has, or will have with its next turn. */
export function planUpgrade(
  session: Session,
  before: { readonly digest: string; readonly definition: AgentDefinition },
  start: SessionStart,
): UpgradePlan {
  const next = pinnedDefinition(start)
  const { code } = start
  return {
    changes: [...fieldsChanged(before.definition, start.definition), ...toolsChanged(session, next)],
    breaks: broken(session, next, start.definition),
    obstacles: obstacles(session, before.definition, start.definition),
    events: [
      {
        type: 'session.upgraded',
        data: { from: before.digest, ...(code === undefined ? {} : { code }), pinned: next.pinned },
      },
      ...next.declared,
    ],
  }
}

/** Told by tools, one by one. */
const toldOtherwise = new Set(['name', 'tools', 'tools_file'])
const longest = 200

function fieldsChanged(before: AgentDefinition, after: AgentDefinition): readonly UpgradeChange[] {
  const old = new Map<string, unknown>(Object.entries(before))
  const now = new Map<string, unknown>(Object.entries(after))
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((what): UpgradeChange[] => {
    const [from, to] = [old.get(what), now.get(what)]
    if (toldOtherwise.has(what) || JSON.stringify(from) === JSON.stringify(to)) return []
    return [
      {
        ...{ what, change: from === undefined ? 'added' : to === undefined ? 'removed' : 'changed' },
        ...(from === undefined ? {} : { from: shown(from) }),
        ...(to === undefined ? {} : { to: shown(to) }),
      },
    ]
  })
}

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest - 1).toWellFormed()}…` : text
}

/** Its own tools: those of servers are asked for when its next turn begins. */
function toolsChanged(session: Session, { pinned }: PinnedStart): readonly UpgradeChange[] {
  const old = new Map(upcoming(session).toolset.map((tool) => [tool.name, JSON.stringify(tool)]))
  const now = new Map(pinned.toolset.map((tool) => [tool.name, JSON.stringify(tool)]))
  const names = [...new Set([...old.keys(), ...now.keys()])].sort()
  return names.flatMap((name): UpgradeChange[] => {
    if (old.get(name) === now.get(name)) return []
    const change = !old.has(name) ? 'added' : now.has(name) ? 'changed' : 'removed'
    return [{ what: `tools.${name}`, change }]
  })
}

/** UG1. */
function obstacles(session: Session, before: AgentDefinition, after: AgentDefinition): readonly string[] {
  const { born, run } = session
  const file = before.workflow_file !== undefined || after.workflow_file !== undefined
  return [
    ...(born?.parent ? [`It is a session below ${born.parent.session}, which pins what it is.`] : []),
    ...(run || file ? ['Code decides in it, or would: a run keeps the code that it began with.'] : []),
  ]
}

/** UG2. */
function broken(session: Session, { pinned, declared }: PinnedStart, after: AgentDefinition): readonly string[] {
  const { planning, team, memory, turn, transcript } = session
  const says = (type: SessionEvent['type']) => declared.find((event) => event.type === type)
  const has = (name: string): boolean => Object.hasOwn(pinned.tools, name)
  const gone = upcoming(session).toolset.flatMap(({ name }) => (has(name) ? [] : [name]))
  const called = new Set(
    transcript
      .toArray()
      .flatMap((message) =>
        message.role === 'assistant'
          ? message.content.flatMap((block) => (block.type === 'tool-call' ? [block.name] : []))
          : [],
      ),
  )
  const open = new Set(turn?.calls.flatMap(({ name, state }) => (state.kind === 'done' ? [] : [name])) ?? [])
  const agents = says('agents.declared')
  const task = says('task.declared')
  const named = [
    ...(agents?.type === 'agents.declared' ? agents.data.agents.map(({ name }) => name) : []),
    ...(task?.type === 'task.declared' ? [task.data.own.name] : []),
  ]
  const paused = Object.entries(team?.children ?? {}).filter(
    ([, { status, agent }]) => (status === 'open' || status === 'paused') && !named.includes(agent),
  )
  const unfinished = planning?.steps.some(({ status }) => status === 'pending' || status === 'in_progress') ?? false
  const declaredMemory = says('memory.declared')
  const sameMemory = declaredMemory?.type === 'memory.declared' && declaredMemory.data.provider === memory?.provider
  return [
    ...gone.flatMap((name) =>
      open.has(name)
        ? [`A call of ${name} is open. It ends as it began, and the turns after it have no such tool.`]
        : called.has(name)
          ? [`The conversation has calls of ${name}, which is no tool of it then.`]
          : [],
    ),
    ...paused.map(
      ([child, { agent }]) =>
        `The session ${child} of the agent ${agent} is open, and that is no agent of it then: nobody can let it go on.`,
    ),
    ...(unfinished && !says('planning.declared') ? ['It has a plan with open steps, and does not plan then.'] : []),
    ...(memory && !sameMemory ? [`It remembers in ${memory.scope}, and looks there no more.`] : []),
    ...(after.approval_mode === 'never' && Object.keys(upcoming(session).tools).length > 0
      ? ['All its tools are off then.']
      : []),
  ]
}
