// What an import of a SKILL.md gives besides its name: the whole folder, below a registered symbol. The build makes it.

export type SkillFileContent = { readonly text: string } | { readonly base64: string }

export interface SkillForm {
  readonly version: 1
  /** By their paths below the folder of the skill. */
  readonly files: Readonly<Record<string, SkillFileContent>>
}

const skillMarker = Symbol.for('reins.skill')

export interface ImportedSkill {
  readonly name: string
  readonly description: string
  readonly form: SkillForm
}

export function skillForm(value: unknown): ImportedSkill | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, skillMarker)) return undefined
  const {
    name,
    description,
    [skillMarker]: form,
  } = value as {
    name: unknown
    description: unknown
    [skillMarker]: SkillForm
  }
  return typeof name === 'string' && typeof description === 'string' ? { name, description, form } : undefined
}
