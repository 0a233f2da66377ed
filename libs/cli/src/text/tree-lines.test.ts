import { noUsage, type TreeNode } from '@reins/contracts'
import { expect, it } from 'vitest'
import { makeStyle } from './style.ts'
import { treeLines } from './tree-lines.ts'

const plain = makeStyle(false)
const branch = { sessions: 1, running: 0, waiting: 0, failed: 0, usage: noUsage }
const node = (id: string, agent: string, depth: number, more: Partial<TreeNode> = {}): TreeNode => ({
  ...{ id, agent, digest: 'd', status: 'idle', turns: 1, usage: noUsage, createdAt: 1000, lastActivityAt: 3000 },
  ...{ depth, state: 'completed', worked: 2000, doing: [], branch },
  ...more,
})
const used = { ...noUsage, inputTokens: 900, outputTokens: 40 }
const lines = (nodes: readonly TreeNode[], width?: number) => treeLines(nodes, width, 10_000, plain)

it('each session stands under the one that delegated to it, with its state, its reason and what its branch used', () => {
  const nodes = [
    node('r', 'lead', 0, {
      state: 'waiting',
      since: 4000,
      doing: [
        { call: 'k1', name: 'researcher', since: 5000, child: 'r-a' },
        { call: 'k2', name: 'reviewer', since: 5000, child: 'r-b' },
      ],
      branch: { ...branch, sessions: 4, usage: used },
    }),
    node('r-a', 'researcher', 1, { branch: { ...branch, sessions: 2, usage: noUsage } }),
    node('r-c', 'searcher', 2, { state: 'running', doing: [{ call: 'k3', name: 'grep', since: 8000 }] }),
    node('r-b', 'reviewer', 1, {
      state: 'waiting',
      waiting: [{ for: 'approval', call: 'k4', name: 'shell', since: 9000 }],
    }),
  ]
  expect(lines(nodes)).toEqual([
    'lead waiting for researcher, reviewer r        8.0s · 900 in, 40 out (4 sessions)',
    '├─ researcher completed r-a                    2.0s · 0 in, 0 out (2 sessions)',
    '│  └─ searcher running grep 2.0s r-c           2.0s · 0 in, 0 out',
    '└─ reviewer waiting for approval of shell r-b  2.0s · 0 in, 0 out',
  ])
})

it('a failure says why, and what nobody has begun waits for an executor', () => {
  expect(
    lines([
      node('r', 'lead', 0, { state: 'failed', why: 'No provider has\nthe model.' }),
      node('r-a', 'helper', 1, { state: 'queued' }),
    ]).map((line) => line.replace(/ {2}.*/, '')),
  ).toEqual(['lead failed No provider has the model. r', '└─ helper queued for an executor r-a'])
})

it('on a narrow terminal each session has its id on a line of its own, since an id that is cut is of no use', () => {
  const root = 'r'.repeat(26)
  const child = `${root}-99mz8fc7gsqmfs3n`
  const nodes = [
    node(root, 'lead', 0, { state: 'running', title: 'Deploy it', branch: { ...branch, sessions: 2 } }),
    node(child, 'deployer', 1, { state: 'waiting' }),
  ]
  expect(lines(nodes, 50)).toEqual([
    'lead running  2.0s · 0 in, 0 out (2 sessions)',
    `│  ${root}`,
    '└─ deployer waiting  2.0s · 0 in, 0 out',
    `      ${child}`,
  ])
  for (const line of lines(nodes, 30)) expect(line.length).toBeLessThanOrEqual(30)
})
