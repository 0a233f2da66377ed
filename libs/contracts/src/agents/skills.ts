// Skills that an agent names: `skills_dir: ./skills`. The command line bundles the folder and sends it; the registry keeps the bundle by
// its digest, and stores in place of the path what a session needs to know. What is in a bundle stands in libs/skills. Pure.
//   K1. What is stored names a digest, a size and skills. A bare path is a request to read that folder: nobody but the command line
//       reads it.
//   K2. A text that names a digest names the stored copy, whatever lies at the path now.
import { type Static, Type } from 'typebox'
import { agentNamePattern } from '../ids.ts'
import { isMapping } from '../schema-problems.ts'
import { BundleDigest } from './code/code.ts'

const closed = { additionalProperties: false } as const

/** Of one agent: skills, characters of what the model is told of each, tools that one may be narrowed to. */
export const maxSkills = 64
export const maxSkillDescription = 1024
export const maxAllowedTools = 64

/** The same rule as for names of agents. */
export const SkillName = Type.String({ minLength: 1, maxLength: 64, pattern: agentNamePattern })

/** A tool, or a tool with what its calls may be about: `shell(git *)`. */
export const allowedToolPattern = '^[A-Za-z0-9_-]{1,128}(\\*|\\([^()\\n]{1,200}\\))?$'

/** What a session knows of a skill before it is used. */
export const Skill = Type.Object(
  {
    name: SkillName,
    description: Type.String({ minLength: 1, maxLength: maxSkillDescription }),
    /** Absent: the skill narrows nothing. */
    allowed_tools: Type.Optional(
      Type.Array(Type.String({ pattern: allowedToolPattern }), { maxItems: maxAllowedTools }),
    ),
  },
  { ...closed, title: 'skill' },
)
export type Skill = Static<typeof Skill>

const Folder = Type.String({
  minLength: 1,
  maxLength: 1024,
  pattern: '^[^\\u0000]+$',
  description: 'The path of a folder of skills, relative to the YAML file',
})

export const SkillsFolder = Type.Object(
  {
    dir: Folder,
    digest: Type.Optional(
      Type.String({
        ...BundleDigest,
        description: 'Names the stored copy, so that the folder is not read. Reins fills it in',
      }),
    ),
    size: Type.Optional(Type.Integer({ minimum: 1, description: 'Bytes of the stored copy. Reins fills it in' })),
    skills: Type.Optional(
      Type.Array(Skill, { maxItems: maxSkills, description: 'What the folder holds. Reins fills it in' }),
    ),
  },
  { ...closed, title: 'folder of skills' },
)
export type SkillsFolder = Static<typeof SkillsFolder>

export const SkillsDir = Type.Union([Folder, SkillsFolder], {
  description: 'A folder with skills, one folder each (docs/skills.md)',
})
export type SkillsDir = Static<typeof SkillsDir>

/** As the registry stores it (K1). */
export interface StoredSkills extends SkillsFolder {
  readonly digest: string
  readonly size: number
  readonly skills: Skill[]
}

/** What a definition names. Takes any value: what is no folder at all is said by the schema. */
export function skillsFolder(definition: { readonly skills_dir?: unknown }): SkillsFolder | undefined {
  const { skills_dir: dir } = definition
  if (typeof dir === 'string') return { dir }
  return isMapping(dir) && typeof dir.dir === 'string' ? (dir as unknown as SkillsFolder) : undefined
}

/** The skills of a stored definition. */
export function storedSkills(definition: { readonly skills_dir?: unknown }): StoredSkills | undefined {
  const folder = skillsFolder(definition)
  return folder?.digest !== undefined && folder.size !== undefined && folder.skills !== undefined
    ? (folder as StoredSkills)
    : undefined
}

/** Tools that each skill may call, whatever it allows: they belong to skills themselves, or read what a call has answered already. */
export const skillToolNames = { use: 'use_skill', read: 'read_skill_file' } as const

/** An entry of `allowed_tools`. */
export interface AllowedTool {
  /** `mcp__github__*` names all that begin so. */
  readonly tool: string
  /** What its calls may be about, as in approvals; absent: anything. */
  readonly pattern?: string
}

export function allowedTool(entry: string): AllowedTool {
  const [, tool = entry, pattern] = /^([^(]+)\((.+)\)$/s.exec(entry) ?? []
  return pattern === undefined ? { tool } : { tool, pattern }
}

export const allowsTool = ({ tool: entry }: AllowedTool, tool: string): boolean =>
  entry.endsWith('*') ? tool.startsWith(entry.slice(0, -1)) : entry === tool

/** `git:*`, as the standard writes it: the program alone, and with any arguments. */
export const patternsOf = (pattern: string): readonly string[] =>
  pattern.endsWith(':*') ? [pattern.slice(0, -2), `${pattern.slice(0, -2)} *`] : [pattern]

/** Whether a skill of the definition allows calls by what they are about. */
export const narrowsByTarget = (definition: { readonly skills_dir?: unknown }): boolean =>
  storedSkills(definition)?.skills.some(({ allowed_tools = [] }) => allowed_tools.some((one) => one.includes('('))) ??
  false
