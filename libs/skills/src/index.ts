// The door of @reins/skills: what a skill is, and how skills travel.
export {
  bundleFormat,
  type BundleRead,
  checkSkillFolders,
  maxSkillFiles,
  readSkillBundle,
  type SkillFile,
  type SkillFolders,
  textOf,
  writeSkillBundle,
} from './bundle.ts'
export { isLeftOut, pathFault } from './file-names.ts'
export { maxSkillTextBytes, readSkillText, skillFile, type SkillRead, splitSkillText } from './skill-text.ts'
