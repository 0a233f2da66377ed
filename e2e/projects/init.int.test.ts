// What `reins init` makes is a whole project: its tests, its types, its client, its deploy.
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ProjectTrial } from './project-trial.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const on = new ProjectTrial()

describe('reins init', () => {
  const folder = () => path.join(on.product.folder, 'fresh')
  test('makes a project whose tests pass, and which can be built', async () => {
    const made = await on.product.cli('init', folder(), '--workflow')
    expect([made.code, made.err]).toEqual([0, ''])
    mkdirSync(path.join(folder(), 'src/skills/review'), { recursive: true })
    on.write('fresh', {
      'src/skills/review/SKILL.md': '---\nname: review\ndescription: Reviews code.\n---\nLook at it.\n',
      'src/skills.test.ts': `
        import assert from 'node:assert/strict'
        import { test } from 'node:test'
        import { SkillCatalog } from '@reins/agent'
        import review from './skills/review/SKILL.md' with { type: 'skill' }
        import plain from './skills/review/SKILL.md'
        const all: readonly { readonly name: string }[] = SkillCatalog.fromDirectory('./skills')
        test('a skill is loaded by plain Node', () => {
          assert.deepEqual([review.name, plain.description, all[0]?.name], ['review', 'Reviews code.', 'review'])
        })`,
    })
    const tested = await on.product.cli('test', folder())
    expect([tested.code, tested.out]).toEqual([0, expect.stringContaining('pass 3')])
    expect((await on.product.cli('build', folder())).out).toContain('dist/client.d.ts')
  })
  test('makes a project whose types are right, those of its client too', async () => {
    on.write('fresh', {
      'src/workflows/bill.ts': `
        import type { FlueContext } from '@reins/agent'
        export async function run({ payload }: FlueContext<{ readonly tickets: readonly number[] }>) {
          return { sum: payload.tickets.length, at: new Date(0) }
        }`,
      'src/client.ts': `
        import { createClient, projectClient } from '@reins/client'
        import type { Project } from '../dist/client.d.ts'
        const fresh = projectClient<Project>(createClient({ baseUrl: 'http://127.0.0.1:7420' }))
        export async function calls(): Promise<readonly [number | undefined, string | undefined, string]> {
          const { result } = await fresh.run('bill', { tickets: [1, 2] })
          const { content } = await fresh.prompt({ agent: 'helper', id: 'ann', message: 'Hi' })
          return [result?.sum, result?.at, content]
        }
        export const wrong = [
          // @ts-expect-error a payload of another form
          () => fresh.run('bill', { tickets: 'all' }),
          // @ts-expect-error a workflow that is not there
          () => fresh.run('bills', { tickets: [] }),
          // @ts-expect-error an agent that is not there
          () => fresh.dispatch({ agent: 'nobody', id: 'ann', input: 1 }),
        ]`,
    })
    expect((await on.product.cli('build', folder())).code).toBe(0)
    const types = await promisify(execFile)(process.execPath, [
      ...[path.join(root, 'node_modules/typescript/bin/tsc'), '-p', folder()],
      ...['--typeRoots', path.join(root, 'node_modules/@types')],
    ]).catch((error) => error)
    expect(types.stdout).toBe('')
  }, 240_000)
  test('makes a project that can be deployed', async () => {
    expect((await on.product.cli('deploy', folder())).out).toContain('Deployed the project fresh (version 1)')
    const { manifest } = (await on.product.ask('GET', '/v1/projects/fresh')).json.project
    const workflows = manifest.workflows.map((one: { name: string }) => one.name)
    expect([manifest.agents[0].description, workflows]).toEqual([
      'Answers questions, and knows what day it is.',
      ['bill', 'report'],
    ])
  })
  test('overwrites nothing', async () => {
    const { code, err } = await on.product.cli('init', folder())
    expect([code, err]).toEqual([1, expect.stringContaining('There is a project already, and nothing was written.')])
  })
})
