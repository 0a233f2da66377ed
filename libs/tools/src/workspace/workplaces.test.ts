import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fake-context.ts'
import { ToolFailure } from '../calls/outcome.ts'
import { noGuard } from './guard.ts'
import { type WorkplaceOptions, Workplaces } from './workplaces.ts'

const agents = (of: Readonly<Record<string, string | null>>, kin: readonly string[] = []) => ({
  version: 1,
  list: Object.entries(of).map(([agent, workspace]) => ({
    agent,
    kin: kin.includes(agent) ? kin : [agent],
    workspaces: [workspace],
  })),
  refresh: async () => {},
})

const told = (options: WorkplaceOptions, agent: string, workspace: string | null): unknown => {
  try {
    const { folder, guard } = new Workplaces(options).of(agent, workspace)
    return guard.closed === undefined ? folder : [folder, guard.closed]
  } catch (error) {
    if (error instanceof ToolFailure) return error.message
    throw error
  }
}

it('an agent works in no folder that holds the folder of another one, and is told both names and the ways out', () => {
  const root = temporaryFolder({ 'project/sub/x': '', 'other/x': '' })
  const neighbours = agents({ outer: 'project', inner: 'project/sub', same: 'project', beside: 'other' })
  const options = { workspaceRoot: root, guard: noGuard, neighbours }
  for (const agent of ['outer', 'same'])
    expect(told(options, agent, 'project')).toBe(
      `the workspace of agent "${agent}" (${root}/project) holds the workspace of agent "inner" (${root}/project/sub): what "${agent}" does there could lead "inner" to another folder. Give one of them a workspace that does not lie in the other's, or the same one; or, where they trust each other, the operator allows it with --allow-nested-workspaces (env REINS_ALLOW_NESTED_WORKSPACES=1)`,
    )
  expect(told(options, 'inner', 'project/sub')).toBe(join(root, 'project/sub'))
  expect(told(options, 'beside', 'other')).toBe(join(root, 'other'))
  expect(told({ ...options, allowNested: true }, 'outer', 'project')).toBe(join(root, 'project'))
})

it('also where the inner folder is not there yet, but not where both stand in one definition', () => {
  const root = temporaryFolder({ 'project/x': '' })
  const options = { workspaceRoot: root, guard: noGuard }
  expect(told({ ...options, neighbours: agents({ inner: 'project/later' }) }, 'outer', 'project')).toMatch(/"inner"/)
  const team = agents({ outer: 'project', inner: 'project/later' }, ['outer', 'inner'])
  expect(told({ ...options, neighbours: team }, 'outer', 'project')).toBe(join(root, 'project'))
})

it('the folder of agents that name none is closed to an agent that works around it, and made for them when it is needed', () => {
  const root = temporaryFolder({ x: '' })
  const ownWorkspaces = join(root, 'workspace')
  const neighbours = agents({ assistant: null, coder: '.', strange: 'workspace' })
  const options = { workspaceRoot: root, ownWorkspaces, guard: noGuard, neighbours }
  expect(told(options, 'assistant', null)).toBe(join(ownWorkspaces, 'assistant'))
  expect(told(options, 'coder', '.')).toEqual([root, [ownWorkspaces]])
  expect(told(options, 'strange', 'workspace')).toEqual([ownWorkspaces, [join(ownWorkspaces, 'assistant')]])
  expect(told({ ...options, allowNested: true }, 'coder', '.')).toBe(root)
})

it('makes no folder behind a link that lies in the place of the folder of such folders', () => {
  const root = temporaryFolder({ 'elsewhere/x': '' })
  mkdirSync(join(root, 'p'))
  symlinkSync(join(root, 'elsewhere'), join(root, 'p/workspace'))
  const options = { workspaceRoot: root, ownWorkspaces: join(root, 'p/workspace'), guard: noGuard }
  expect(told(options, 'assistant', null)).toMatch(/symbolic link/)
})
