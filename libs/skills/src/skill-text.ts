// SKILL.md: YAML between two lines of `---` that says what the skill is for, and below it the instructions.
//   M1. Total: hostile text gives problems, never an exception, and never takes long: the front matter is small, and has no aliases.
//   M2. Everything that is wrong is said at once, each as what stands behind the name of the file in a sentence.
import {
  allowedToolPattern,
  isAgentName,
  isMapping,
  maxAllowedTools,
  maxSkillDescription,
  quoted,
  type Skill,
  shown,
} from '@reins/contracts'
import { parseDocument } from 'yaml'

export const skillFile = 'SKILL.md'
export const maxSkillTextBytes = 64 * 1024
const maxFrontMatterChars = 8 * 1024
const maxNesting = 10

export type SkillRead =
  | { readonly kind: 'skill'; readonly skill: Skill; readonly instructions: string }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

/** `folder`: the name of the folder that the file lies in. */
export function readSkillText(text: string, folder: string): SkillRead {
  const bytes = Buffer.byteLength(text)
  if (bytes > maxSkillTextBytes)
    return wrong(
      `is ${bytes} bytes long; at most ${maxSkillTextBytes} are allowed. Move parts that are not always needed into other files of the skill`,
    )
  const parts = splitSkillText(text)
  if (!parts)
    return wrong('must begin with a line "---", with "name:" and "description:" below it and a second line "---"')
  if (parts.frontMatter.length > maxFrontMatterChars)
    return wrong(`has a front matter of more than ${maxFrontMatterChars} characters`)
  const fields = readFields(parts.frontMatter)
  if (typeof fields === 'string') return wrong(fields)
  const problems: string[] = []
  const name = nameOf(fields.name, folder, problems)
  const description = descriptionOf(fields.description, problems)
  const allowed = allowedOf(fields, problems)
  checkMetadata(fields.metadata, problems)
  if (parts.instructions.trim() === '') problems.push('has no instructions: write them below the second line "---"')
  if (problems.length > 0) return { kind: 'problems', problems }
  return {
    kind: 'skill',
    skill: { name, description, ...(allowed === undefined ? {} : { allowed_tools: allowed }) },
    instructions: parts.instructions.trim(),
  }
}

const wrong = (problem: string): SkillRead => ({ kind: 'problems', problems: [problem] })

/** undefined: it has no front matter. */
export function splitSkillText(
  text: string,
): { readonly frontMatter: string; readonly instructions: string } | undefined {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  if (lines[0]?.trimEnd() !== '---') return undefined
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---')
  if (end < 0) return undefined
  return { frontMatter: lines.slice(1, end).join('\n'), instructions: lines.slice(end + 1).join('\n') }
}

/** The fields, or what is wrong. */
function readFields(text: string): Readonly<Record<string, unknown>> | string {
  if (nests(text)) return `has a front matter that is nested deeper than ${maxNesting} levels`
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      uniqueKeys: true,
      merge: false,
    })
    const fault = document.errors[0] ?? document.warnings[0]
    if (fault) return `has a front matter that is no valid YAML: ${(fault.message.split('\n')[0] ?? '').slice(0, 200)}`
    const value: unknown = document.toJS({ maxAliasCount: 0 })
    return isMapping(value) ? value : 'has a front matter without fields: "name:" and "description:" are needed'
  } catch {
    return 'has a front matter that cannot be read: write plain fields, without anchors and aliases' // M1
  }
}

/** The parser recurses: nesting is bounded before it sees the text. */
function nests(text: string): boolean {
  let open = 0
  for (const character of text) {
    if (character === '[' || character === '{') open += 1
    if (open > maxNesting) return true
    if (character === ']' || character === '}') open = Math.max(0, open - 1)
  }
  return text.split('\n').some((line) => /^ {80}|^(?:\s*[-?] ){10}/.test(line))
}

function nameOf(name: unknown, folder: string, problems: string[]): string {
  if (name === undefined || name === null) problems.push('needs a "name"')
  else if (typeof name !== 'string' || !isAgentName(name))
    problems.push(
      `has the name ${shown(name)}: a name has at most 64 characters, lower-case letters, digits and single hyphens inside`,
    )
  else if (name !== folder)
    problems.push(`has the name ${quoted(name)}, but its folder is ${quoted(folder)}: make them the same`)
  else return name
  return ''
}

function descriptionOf(description: unknown, problems: string[]): string {
  const text = typeof description === 'string' ? description.trim() : undefined
  if (description === undefined || description === null || text === '')
    problems.push('needs a "description" that says what the skill does and when to use it')
  else if (text === undefined) problems.push(`has a description that is no text: ${shown(description)}`)
  else if (text.length > maxSkillDescription)
    problems.push(`has a description of ${text.length} characters; at most ${maxSkillDescription} are allowed`)
  else if (text.includes('\0') || !text.isWellFormed())
    problems.push('has a description with the character NUL, or with half of a character')
  else return text
  return ''
}

function allowedOf(fields: Readonly<Record<string, unknown>>, problems: string[]): string[] | undefined {
  const other = Object.keys(fields).find(
    (key) => key !== 'allowed-tools' && /^allowedtools?$/.test(key.toLowerCase().replaceAll(/[^a-z]/g, '')),
  )
  if (other !== undefined) problems.push(`has ${quoted(other)}: write "allowed-tools"`)
  const value = fields['allowed-tools']
  if (value === undefined || value === null) return undefined
  const items: readonly unknown[] | undefined =
    typeof value === 'string'
      ? (value.match(/[^\s,(]+(?:\([^)]*\)?[^\s,]*)?/g) ?? [])
      : Array.isArray(value)
        ? value
        : undefined
  if (!items) {
    problems.push(`has "allowed-tools" that are no list of names: ${shown(value)}`)
    return undefined
  }
  const names = [...new Set(items.map(ownName))]
  if (names.length > maxAllowedTools)
    problems.push(`has ${names.length} "allowed-tools"; at most ${maxAllowedTools} are allowed`)
  const bad = names.find((one) => typeof one !== 'string' || !new RegExp(allowedToolPattern).test(one))
  if (bad !== undefined)
    problems.push(
      `has ${shown(bad)} in "allowed-tools": name tools as the agent has them, such as read_file, mcp__github__* or shell(git *)`,
    )
  return names as string[]
}

/** Skills from elsewhere have the names that other programs give to the same tools. */
const otherNames: Readonly<Record<string, string>> = {
  ...{ Bash: 'shell', Read: 'read_file', Write: 'write_file', Edit: 'edit_file', MultiEdit: 'edit_file' },
  ...{ Glob: 'find_files', Grep: 'grep', LS: 'list_directory' },
}

function ownName(entry: unknown): unknown {
  if (typeof entry !== 'string') return entry
  const [, name = '', rest = ''] = /^([A-Za-z]+)(\(.*\))?$/s.exec(entry) ?? []
  return Object.hasOwn(otherNames, name) ? `${otherNames[name]}${rest}` : entry
}

function checkMetadata(metadata: unknown, problems: string[]): void {
  if (metadata === undefined || metadata === null) return
  if (!isMapping(metadata)) {
    problems.push(`has "metadata" that are no mapping: ${shown(metadata)}`)
    return
  }
  const deep = Object.entries(metadata).find(([, value]) => typeof value === 'object' && value !== null)
  if (deep) problems.push(`has "metadata" with a list or a mapping in ${quoted(deep[0])}: write plain values`)
}
