// What can be wrong with a profile, and with what an initializer returns. Pure: each problem is a text without its full stop.
import { isTool } from '../tool.ts'
import { sandboxForm } from './sandbox.ts'
import { skillForm } from './skill-form.ts'
import { isWorkflowAgent } from './workflow-agent.ts'

const profileFields = [
  ...['name', 'description', 'model', 'instructions', 'skills', 'tools', 'subagents', 'agents', 'thinkingLevel'],
  ...['compaction', 'durability'],
]
const configFields = ['profile', ...profileFields.filter((field) => field !== 'name'), 'cwd', 'sandbox']
export const thinkingLevels: readonly unknown[] = ['off', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']
const profileName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const modelName = /^[a-z0-9][a-z0-9-]*\/.+$/
/** What the model has besides, or may have. */
export const reservedToolNames: readonly string[] = ['task', 'delegate', 'use_skill', 'read_skill_file']
const deepest = 4

type Fields = Readonly<Record<string, unknown>>

export function checkProfile(profile: unknown, path: readonly unknown[] = []): readonly string[] {
  if (!isRecord(profile)) return ['a profile must be an object']
  if (path.includes(profile)) return ['must not contain circular subagents']
  const problems = unknownFields(profile, profileFields, (field) => `has no field "${field}"`)
  const { name } = profile
  if (name !== undefined && !(typeof name === 'string' && profileName.test(name)))
    problems.push(`name must begin with a letter and have letters, digits, "_" and "-", 64 at most; not ${shown(name)}`)
  if (profile.model !== undefined) problems.push(...modelProblems(profile.model, 'model'))
  problems.push(...sharedProblems(profile, [...path, profile]))
  return problems
}

/** Of what an initializer returns. */
export function checkConfig(config: unknown): readonly string[] {
  if (!isRecord(config)) return ['createAgent() initializer must return an agent runtime config object']
  const problems = unknownConfigFields(config)
  const { profile, model, cwd, sandbox } = config
  if (profile !== undefined) problems.push(...checkProfile(profile).map((problem) => `profile: ${problem}`))
  if (model !== undefined && model !== false) problems.push(...modelProblems(model, 'model'))
  if (cwd !== undefined && (typeof cwd !== 'string' || cwd.trim() === ''))
    problems.push(`cwd must be the path of a folder; not ${shown(cwd)}`)
  if (sandbox !== undefined && sandbox !== false && sandboxForm(sandbox) === undefined)
    problems.push(
      'sandbox must be virtual() of @reins/agent, local() of @reins/agent/node, or false; this Reins has no other sandbox',
    )
  problems.push(...sharedProblems(config, []))
  return problems
}

export const unknownConfigFields = (config: unknown): string[] =>
  isRecord(config)
    ? unknownFields(
        config,
        configFields,
        (field) => `createAgent() initializer returned unknown runtime config field "${field}"`,
      )
    : []

/** The model that an initializer's config names, itself or by its profile. */
export function configModelProblems(config: unknown): readonly string[] {
  if (!isRecord(config)) return []
  const { model, profile } = config
  const problems = model === undefined || model === false ? [] : modelProblems(model, 'model')
  if (!isRecord(profile) || profile.model === undefined) return problems
  return [...problems, ...modelProblems(profile.model, 'profile: model')]
}

function sharedProblems(fields: Fields, path: readonly unknown[]): readonly string[] {
  const problems: string[] = []
  const { instructions, description, skills, tools, subagents, agents, thinkingLevel, compaction, durability } = fields
  if (instructions !== undefined && typeof instructions !== 'string')
    problems.push(`instructions must be a text; not ${shown(instructions)}`)
  if (description !== undefined && (typeof description !== 'string' || description.trim() === ''))
    problems.push('description must be a text that is not empty')
  if (thinkingLevel !== undefined && !thinkingLevels.includes(thinkingLevel))
    problems.push(`thinkingLevel must be one of ${thinkingLevels.join(', ')}; not ${shown(thinkingLevel)}`)
  problems.push(...compactionProblems(compaction), ...durabilityProblems(durability))
  problems.push(
    ...listProblems('tools', tools, (tool) =>
      isTool(tool) ? undefined : 'must be a tool that defineTool has made (of @reins/agent)',
    ),
    ...listProblems('skills', skills, (skill) =>
      skillForm(skill) ? undefined : `must be what an import of a SKILL.md gives`,
    ),
    ...listProblems('subagents', subagents, subagentFault),
    ...listProblems('agents', agents, subagentFault),
  )
  for (const one of [subagents, agents].flatMap((list) => (Array.isArray(list) ? list : []))) {
    if (!isRecord(one) || isWorkflowAgent(one)) continue
    const at = `subagent ${shown(one.name)}`
    if (one.durability !== undefined) problems.push(`${at} must not declare durability: the agent above it does`)
    if (path.length >= deepest) problems.push(`${at} lies deeper than ${deepest} levels`)
    else problems.push(...checkProfile(one, path).map((problem) => `${at}: ${problem}`))
  }
  return problems
}

const subagentFault = (subagent: unknown): string | undefined =>
  isRecord(subagent) && typeof subagent.name === 'string'
    ? undefined
    : 'must be a profile with a name, defineAgentProfile({ name, … }), or what workflowAgent() gives'

function compactionProblems(compaction: unknown): readonly string[] {
  if (compaction === undefined || compaction === false) return []
  if (!isRecord(compaction)) return ['compaction must be false, or { reserveTokens, keepRecentTokens, model }']
  const problems = unknownFields(
    compaction,
    ['reserveTokens', 'keepRecentTokens', 'model'],
    (field) => `compaction has no field "${field}"; there are reserveTokens, keepRecentTokens, model`,
  )
  for (const field of ['reserveTokens', 'keepRecentTokens'])
    if (compaction[field] !== undefined && !isCount(compaction[field], 0))
      problems.push(`compaction.${field} must be a whole number of tokens, 0 or more; not ${shown(compaction[field])}`)
  if (compaction.model !== undefined) problems.push(...modelProblems(compaction.model, 'compaction.model'))
  return problems
}

function durabilityProblems(durability: unknown): readonly string[] {
  if (durability === undefined) return []
  if (!isRecord(durability)) return ['durability must be { maxAttempts, timeoutMs }']
  const problems = unknownFields(
    durability,
    ['maxAttempts', 'timeoutMs'],
    (field) => `durability has no field "${field}"; there are maxAttempts, timeoutMs`,
  )
  for (const field of ['maxAttempts', 'timeoutMs'])
    if (durability[field] !== undefined && !isCount(durability[field], 1))
      problems.push(`durability.${field} must be a whole number above 0; not ${shown(durability[field])}`)
  return problems
}

function listProblems(field: string, list: unknown, fault: (one: unknown) => string | undefined): readonly string[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) return [`${field} must be a list; not ${shown(list)}`]
  const problems = list.flatMap((one, index) => {
    const problem = fault(one)
    return problem === undefined ? [] : [`${field}[${index}] ${problem}`]
  })
  return [...problems, ...duplicates(field, list)]
}

/** Names that stand twice in one list. */
export function duplicates(field: string, list: readonly unknown[]): readonly string[] {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const one of list) {
    if (!isRecord(one) || typeof one.name !== 'string') continue
    if (seen.has(one.name)) twice.add(one.name)
    seen.add(one.name)
  }
  return [...twice].map((name) => `${field} has the name "${name}" twice: give one of them another name`)
}

function modelProblems(model: unknown, field: string): readonly string[] {
  if (typeof model === 'string' && modelName.test(model)) return []
  return [`${field} must be "provider/model", such as "anthropic/claude-sonnet-4-5"; not ${shown(model)}`]
}

const unknownFields = (fields: Fields, known: readonly string[], text: (field: string) => string): string[] =>
  Object.keys(fields)
    .filter((field) => !known.includes(field))
    .map((field) =>
      field === 'name'
        ? `${text(field)}: an agent is named by its file`
        : `${text(field)}; there are: ${known.join(', ')}`,
    )

const isCount = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && Number(value) >= least

export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : isRecord(value) ? 'an object' : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
