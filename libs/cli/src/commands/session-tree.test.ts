import { noUsage, type SessionInfo } from '@reins/contracts'
import { expect, it } from 'vitest'
import { makeStyle } from '../text/style.ts'
import { treeLines, treeOf } from './session-tree.ts'

const plain = makeStyle(false)
const session = (id: string, agent: string, more: Partial<SessionInfo> = {}): SessionInfo => ({
  ...{ id, agent, digest: 'd', status: 'idle', turns: 1, usage: noUsage, createdAt: 1000, lastActivityAt: 3000 },
  ...more,
})

it('sessions of a tree are drawn under the sessions that delegated to them, the oldest first', () => {
  const sessions = [
    session('r-b', 'reviewer', { parent: 'r', createdAt: 3000, lastActivityAt: 3500, status: 'waiting' }),
    session('r', 'lead', { status: 'running' }),
    session('r-a', 'researcher', { parent: 'r', createdAt: 2000 }),
    session('r-c', 'searcher', { parent: 'r-a', createdAt: 2500, turns: 2 }),
  ]
  expect(treeLines(treeOf(sessions), undefined, plain)).toEqual([
    'lead running r           1 turn · 2.0s · 0 in, 0 out',
    '├─ researcher idle r-a   1 turn · 1.0s · 0 in, 0 out',
    '│  └─ searcher idle r-c  2 turns · 0.5s · 0 in, 0 out',
    '└─ reviewer waiting r-b  1 turn · 0.5s · 0 in, 0 out',
  ])
})

it('on a narrow terminal each session has its id on a line of its own, since an id that is cut is of no use', () => {
  const child = `${'r'.repeat(26)}-99mz8fc7gsqmfs3n`
  const sessions = [
    session('r'.repeat(26), 'lead', { status: 'running', title: 'Deploy it' }),
    session(child, 'deployer', { parent: 'r'.repeat(26), createdAt: 2000, status: 'waiting' }),
  ]
  expect(treeLines(treeOf(sessions), 60, plain)).toEqual([
    'lead running  1 turn · 2.0s · 0 in, 0 out',
    `│  ${'r'.repeat(26)}`,
    '└─ deployer waiting  1 turn · 1.0s · 0 in, 0 out',
    `      ${child}`,
  ])
})

it('a session whose parent is not there stands at the top, and no line is wider than the terminal', () => {
  const lines = treeLines(treeOf([session('r-a', 'researcher', { parent: 'r', title: 'x'.repeat(100) })]), 60, plain)
  expect(lines).toHaveLength(1)
  expect(lines[0]?.length).toBeLessThanOrEqual(60)
})
