import { emptyManifest, projectBuilds } from '../../test/project-builds.ts'
import { describe, expect, test } from 'vitest'
import { memoryLog } from '../../test/memory-log.ts'
import { Projects } from './projects.ts'

const clock = { now: () => 1, random: () => 0.5 }
const by = { by: 'user:ada' }
const module = (name: string) => ({ name, route: false, websocket: false, file: `src/agents/${name}.ts` })
const builds = projectBuilds({
  one: { ...emptyManifest, agents: [module('desk')] },
  two: { ...emptyManifest, agents: [module('desk')] },
  three: { ...emptyManifest, agents: [module('other')] },
})

function registry() {
  const log = memoryLog()
  return { log, projects: new Projects({ log, clock, bundles: builds }) }
}

describe('two deployments at the same moment', () => {
  test('of two projects with one name of an agent: the second one is refused, however close they come', async () => {
    const { log, projects } = registry()
    let once = true
    log.beforeWrite = async (kind, name) => {
      if (kind !== 'project' || name !== 'first' || !once) return
      once = false
      await projects.put('second', 'two', by)
    }
    await expect(projects.put('first', 'one', by)).rejects.toMatchObject({ code: 'name_taken' })
    expect(await projects.withAgent('desk')).toBe('second')
  })

  test('of projects that have nothing in common: both go in', async () => {
    const { log, projects } = registry()
    let once = true
    log.beforeWrite = async (kind, name) => {
      if (kind !== 'project' || name !== 'first' || !once) return
      once = false
      await projects.put('third', 'three', by)
    }
    await projects.put('first', 'one', by)
    expect([await projects.withAgent('desk'), await projects.withAgent('other')]).toEqual(['first', 'third'])
  })

  test('of an agent in YAML that comes while a project is written: the project is refused', async () => {
    const { log, projects } = registry()
    let once = true
    log.beforeWrite = async (kind) => {
      if (kind !== 'project' || !once) return
      once = false
      const entry = {
        name: 'desk',
        version: 1,
        digest: 'd',
        createdAt: 1,
        updatedAt: 1,
        by: 'user:bob',
        deleted: false,
      }
      await log.write('agent', 'desk', entry, 0)
    }
    await expect(projects.put('first', 'one', by)).rejects.toThrow('there is an agent desk already')
  })
})
