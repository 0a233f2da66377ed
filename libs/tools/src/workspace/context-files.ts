// What a workspace tells the agents that work in it: AGENTS.md, and skills in .agents/skills. Bounded in what is read, and read through the
// workspace, so that no link leads out of it.
//   CF1. Whatever lies there is no error of the session: what cannot be used is named, and the rest is used.
//   CF2. Of a skill SKILL.md is read. Its other files stay where they are: the tools of the agent reach them.
import { closeSync, fstatSync, readSync } from 'node:fs'
import { maxSkills, type WorkspaceFound, type WorkspaceSkill, workspaceLimits } from '@reins/contracts'
import { maxSkillTextBytes, readSkillText, skillFile, textOf } from '@reins/skills'
import { asFailure, ToolFailure } from '../calls/outcome.ts'
import type { Guard } from './guard.ts'
import { Workspace } from './workspace.ts'

const instructionsFile = 'AGENTS.md'
const skillsFolder = '.agents/skills'
/** Entries of the folder of skills that are looked at, and problems that are named. */
const mostEntries = 500
const mostProblems = 20

/** Where the files lie: a folder of a machine, or a sandbox in memory. Paths are from the folder on. */
export interface ContextPlace {
  /** undefined: there is no such file. Throws ToolFailure. `most`: bytes. */
  text(path: string, most: number): ContextText | undefined
  /** Names of folders in a folder; none where that is not there. Throws ToolFailure. `most` at most. */
  folders(path: string, most: number): readonly string[]
}

export interface ContextText {
  readonly text: string
  /** Bytes behind it. */
  readonly left: number
}

/** Throws ToolFailure where there is no such folder, or none that a tool may see. */
export function contextFiles(folder: string, guard: Guard): WorkspaceFound {
  using workspace = new Workspace(folder, guard)
  return contextOf({
    text: (path, most) => readText(workspace, path, most),
    folders: (path, most) => foldersIn(workspace, path, most),
  })
}

export function contextOf(place: ContextPlace): WorkspaceFound {
  const problems: string[] = []
  const instructions = attempt(
    () => place.text(instructionsFile, workspaceLimits.instructions),
    instructionsFile,
    problems,
  )
  const skills = skillsIn(place, problems)
  return {
    ...(instructions && instructions.text.trim() !== '' ? { instructions: instructions.text } : {}),
    ...(instructions && instructions.left > 0 ? { left: instructions.left } : {}),
    skills: [...skills],
    ...(problems.length > 0 ? { problems: problems.slice(0, mostProblems) } : {}),
  }
}

function skillsIn(files: ContextPlace, problems: string[]): readonly WorkspaceSkill[] {
  const names = attempt(() => files.folders(skillsFolder, mostEntries), skillsFolder, problems) ?? []
  const skills: WorkspaceSkill[] = []
  let room: number = workspaceLimits.skills
  for (const name of names) {
    const place = `${skillsFolder}/${name}`
    const read = attempt(() => files.text(`${place}/${skillFile}`, maxSkillTextBytes + 1), place, problems)
    if (!read) continue
    const found = readSkillText(read.text, name)
    if (found.kind === 'problems') {
      problems.push(...found.problems.map((problem) => `${place}/${skillFile} ${problem}.`))
      continue
    }
    const size = Buffer.byteLength(read.text)
    if (skills.length >= maxSkills || size > room) {
      problems.push(
        `${place} is one skill too many: a workspace has at most ${maxSkills}, of ${workspaceLimits.skills} bytes in all.`,
      )
      continue
    }
    room -= size
    const { description, allowed_tools: allowed } = found.skill
    skills.push({
      ...{ name, description, instructions: found.instructions, folder: place },
      ...(allowed === undefined ? {} : { allowedTools: allowed }),
    })
  }
  return skills
}

function foldersIn(workspace: Workspace, path: string, most: number): readonly string[] {
  using found = workspace.locate(path)
  if (found.kind === 'missing') return []
  if (found.kind !== 'folder') throw new ToolFailure('failed', 'is no folder')
  const names: string[] = []
  for (const entry of workspace.entries(found.node, found.relative)) {
    if (names.length >= most) break
    if (entry.kind === 'folder') names.push(entry.name)
  }
  return names
}

function readText(workspace: Workspace, path: string, most: number): ContextText | undefined {
  using found = workspace.locate(path)
  if (found.kind === 'missing') return undefined
  const fd = workspace.openFile(found)
  try {
    // One byte more than is told: it shows whether the cut is inside of a character.
    const bytes = Buffer.alloc(most + 1)
    let size = 0
    for (let read = -1; read !== 0 && size <= most; size += read)
      read = readSync(fd, bytes, size, most + 1 - size, size)
    return cutText(bytes.subarray(0, size), most, Math.max(size, fstatSync(fd).size))
  } finally {
    closeSync(fd)
  }
}

/** Throws ToolFailure. `bytes`: one more than `most`, where there is more. `whole`: of the file. */
export function cutText(bytes: Uint8Array, most: number, whole: number): ContextText {
  let end = Math.min(bytes.length, most)
  if (bytes.length > most) while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  const text = textOf(bytes.subarray(0, end))
  if (text === undefined) throw new ToolFailure('failed', 'is no text in UTF-8')
  return { text, left: whole - end }
}

/** CF1. */
function attempt<T>(look: () => T, place: string, problems: string[]): T | undefined {
  try {
    return look()
  } catch (error) {
    const { code, message } = asFailure(error, 'it')
    if (code !== 'not-found') problems.push(`${place}: ${message.replace(/\.$/, '')}.`)
    return undefined
  }
}
