// Skills, as far as a session decides about them: which it has, which are in use, and what may be called meanwhile. What is in them is
// read by calls of tools like any other (libs/tools, skills/).
//   SK1. The skills are declared where the session begins, so that a process that does not know them gives the session back from its
//        start. What the model is told of them follows from that event alone.
//   SK2. A skill is in use from the model call after it was activated to the end of the turn: what the same answer asked for was asked
//        without having read it.
//   SK3. In use, a skill with allowed tools narrows all calls to those that one of the skills in use allows. Activating another skill
//        never lifts that: a skill that allows everything adds nothing.
//   SK4. A skill of the workspace is used from what the log has of it. What the definition gives comes first.
import {
  allowedTool,
  allowsTool,
  type AgentDefinition,
  type EventOf,
  patternsOf,
  quoted,
  type SessionEvent,
  skillToolNames,
  storedSkills,
  suggestion,
  type ToolSpec,
} from '@reins/contracts'
import { matches } from '../approval/target.ts'
import type { PinRule } from '../context/pinned.ts'
import { planCalls } from '../planning/tools.ts'
import type { Born, Call, Session } from '../session.ts'
import type { CallRoute, Meanings, OfferRule, RouteRule } from '../slice.ts'
import { workspaceFound } from '../workspace/files-told.ts'

export interface SessionSkill {
  readonly name: string
  readonly description: string
  /** Absent: it narrows nothing. */
  readonly allowedTools?: readonly string[]
}

export interface SkillsState {
  /** Of the bundle with their files. */
  readonly digest: string
  readonly skills: readonly SessionSkill[]
  /** Those of the turn that activated some last; absent: none was ever. */
  readonly used?: {
    readonly turn: string
    readonly skills: readonly { readonly name: string; readonly modelCalls: number }[]
  }
}

/** Those of the definition, and those of the workspace: of two of one name the first (SK4). */
export function skillsIn(session: Pick<Session, 'skills' | 'told' | 'turn' | 'workspace'>): readonly SessionSkill[] {
  const own = session.skills?.skills ?? []
  return [
    ...own,
    ...(workspaceFound(session)?.skills ?? []).filter(({ name }) => own.every((one) => one.name !== name)),
  ]
}

const noSkills: SkillsState = { digest: '', skills: [] }

/** SK1. Empty: the definition has no skills, or its tools are off. */
export function skillsDeclared(definition: AgentDefinition): readonly SessionEvent[] {
  const stored = storedSkills(definition)
  if (!stored || stored.skills.length === 0 || definition.approval_mode === 'never') return []
  const skills = stored.skills.map(({ name, description, allowed_tools }) => ({
    ...{ name, description },
    ...(allowed_tools === undefined ? {} : { allowedTools: allowed_tools }),
  }))
  return [{ type: 'skills.declared', data: { digest: stored.digest, skills } }]
}

export const skillEvents: Meanings<'skills.declared'> = {
  'skills.declared': { effective: true, evolve: declared },
}

function declared(session: Session, { data: { digest, skills } }: EventOf<'skills.declared'>): Session {
  if (!session.born || session.skills) return session
  return { ...session, skills: { digest, skills } }
}

/** The session after a call of it has succeeded. SK2. */
export function afterCall(session: Session, { name: tool, arguments: { name } }: Call): Session {
  const { turn } = session
  if (!turn || tool !== skillToolNames.use || !skillsIn(session).some((one) => one.name === name)) return session
  const skills = session.skills ?? noSkills
  const before = skills.used?.turn === turn.id ? skills.used.skills : []
  if (before.some((one) => one.name === name)) return session
  const used = { turn: turn.id, skills: [...before, { name: String(name), modelCalls: turn.modelCalls }] }
  return { ...session, skills: { ...skills, used } }
}

/** The skills that narrow the calls of the latest answer. */
export function skillsInUse(session: Pick<Session, 'skills' | 'told' | 'turn' | 'workspace'>): readonly SessionSkill[] {
  const { skills, turn } = session
  if (!skills?.used || skills.used.turn !== turn?.id) return []
  const names = new Set(
    skills.used.skills.filter(({ modelCalls }) => modelCalls < turn.modelCalls).map(({ name }) => name),
  )
  return skillsIn(session).filter(({ name }) => names.has(name))
}

/** A compaction may cover the instructions of a skill: the model is told to read them again. */
export const skillsPin: PinRule = (session) => {
  const names = skillsInUse(session).map(({ name }) => name)
  return names.length === 0
    ? null
    : `In use: the ${names.length === 1 ? 'skill' : 'skills'} ${names.join(', ')}. To read the instructions again, call ${skillToolNames.use}.`
}

/** They change nothing outside of the session, and without them a skill could not be followed. */
const always: ReadonlySet<string> = new Set([
  ...[skillToolNames.use, skillToolNames.read, 'read_result'],
  ...Object.keys(planCalls),
])

/** SK3. */
export const skillsRoute: RouteRule = (call, _turn, session): CallRoute | null => {
  const narrowing = skillsInUse(session).filter(({ allowedTools }) => allowedTools !== undefined)
  if (narrowing.length === 0 || always.has(call.name)) return null
  const allowed = [...new Set(narrowing.flatMap(({ allowedTools = [] }) => allowedTools))]
  if (allowed.some((entry) => allows(entry, call, session.born))) return null
  const names = narrowing.map(({ name }) => name).join(', ')
  const which = allowed.length === 0 ? 'no tool' : `only ${allowed.join(', ')}`
  return {
    kind: 'settled',
    status: 'error',
    code: 'refused',
    output: `Not run: ${narrowing.length === 1 ? `the skill ${names}, which is in use, allows` : `the skills ${names}, which are in use, allow`} ${which}. Follow the skill with these, or end your answer: the next turn begins without skills in use.`,
  }
}

/** What a call is about is known of the tools that were pinned. A call that a person has changed is that person's. */
function allows(entry: string, { name, arguments: args, edited }: Call, { toolset = [] }: Born): boolean {
  const { pattern, ...allowed } = allowedTool(entry)
  if (!allowsTool(allowed, name)) return false
  if (pattern === undefined || edited) return true
  const target = toolset.find((tool) => tool.name === name)?.target
  return target !== undefined && patternsOf(pattern).some((one) => matches(one, target, args))
}

/** SK1. */
export const skillsOffer: OfferRule = (session) => {
  const all = skillsIn(session)
  if (all.length === 0) return null
  const own = Object.hasOwn(session.born.tools, skillToolNames.use)
  const section = own ? skillsSection : workspaceSkillsSection
  return {
    ...(own ? {} : { tools: [useSkillTool] }),
    section: `${section}\n${all.map(lineOf).join('\n')}`,
  }
}

/** SK4: answered by the session itself. A name that nobody knows is the tool's to answer where there is one. */
export const workspaceSkillRoute: RouteRule = (call, _turn, session): CallRoute | null => {
  const there = call.name === skillToolNames.use ? workspaceFound(session) : undefined
  if (!there) return null
  const { name } = call.arguments
  const all = skillsIn(session)
  const own = session.skills?.skills.some((one) => one.name === name)
  const found = own ? undefined : there.skills.find((one) => one.name === name)
  if (found) {
    const { folder, instructions, allowedTools } = found
    const said = {
      skill: name,
      instructions,
      folder,
      note: filesNote,
      ...(allowedTools ? { allowed_tools: allowedTools } : {}),
    }
    return { kind: 'settled', status: 'ok', output: JSON.stringify(said) }
  }
  if (own || all.length === 0 || Object.hasOwn(session.born.tools, call.name)) return null
  const names = all.map((one) => one.name)
  const output = `There is no skill ${quoted(String(name))}${suggestion(String(name), names) || '.'} Available: ${names.join(', ')}.`
  return { kind: 'settled', status: 'error', code: 'not-found', output }
}

const filesNote = 'Its other files lie in this folder of the workspace: your other tools reach them.'

const useSkillTool: ToolSpec = {
  name: skillToolNames.use,
  description: 'Activate a skill. Answers with its instructions, which you then follow.',
  parameters: {
    type: 'object',
    properties: { name: { type: 'string', description: 'The name of the skill, as it is listed.' } },
    required: ['name'],
    additionalProperties: false,
  },
}

const lineOf = ({ name, description }: SessionSkill): string =>
  `- ${name}: ${description.replaceAll(/\s+/g, ' ').trim()}`

export const workspaceSkillsSection = `## Skills
You have skills: instructions for particular kinds of work. To activate a skill, call use_skill with its name before you begin work that it is for, and follow the instructions that it returns.
A skill is in use until your answer ends. Some skills narrow which tools you may call while they are in use.
Available skills:`

export const skillsSection = `## Skills
You have skills: instructions for particular kinds of work. To activate a skill, call use_skill with its name before you begin work that it is for, and follow the instructions that it returns.
- use_skill returns the instructions of a skill, and the names of its other files.
- read_skill_file reads one of these files: references, templates, scripts.
A skill is in use until your answer ends. Some skills narrow which tools you may call while they are in use.
Available skills:`
