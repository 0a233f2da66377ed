// All skills of one folder: `skills: SkillCatalog.fromDirectory('./skills')`. Whoever builds the project reads the folder, and puts what is
// in it in the place of the call, so that no skill is missing where the code runs.
import type { Skill } from './runtime-config.ts'

export const SkillCatalog = Object.freeze({
  /** `folder`: a text as it stands, relative to the file that it stands in. Each skill has a folder in it, with its SKILL.md. */
  fromDirectory(folder: string): readonly Skill[] {
    throw new TypeError(
      `SkillCatalog.fromDirectory(${JSON.stringify(folder)}) is read when the project is built. Write the folder there as a text, such as './skills', and build with reins build, dev, deploy or test.`,
    )
  },
  of(skills: readonly Skill[]): readonly Skill[] {
    return Object.freeze([...skills])
  },
})
