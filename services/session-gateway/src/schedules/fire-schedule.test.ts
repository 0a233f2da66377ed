import type { ProjectEntry, ProjectSchedule } from '@reins/contracts'
import { expect, test } from 'vitest'
import { fireSchedule } from './fire-schedule.ts'

const project = (by: string): ProjectEntry => ({
  ...{ name: 'desk', version: 1, digest: `sha256-${'0'.repeat(64)}`, size: 1, previous: [], deleted: false },
  ...{ createdAt: 1, updatedAt: 1, by, manifest: { agents: [], workflows: [], channels: [], app: false } },
})
const schedule: ProjectSchedule = {
  ...{ of: 'agent', name: 'support', number: 1, file: 'src/agents/support.ts' },
  ...{ cron: '0 * * * *', timeZone: 'UTC', missed: 'latest' },
}

test('what somebody banned has deployed begins nothing, and what somebody has deployed who may less now does', async () => {
  const accepted: string[] = []
  const banned = new Set(['ann'])
  const parts = {
    api: {} as never,
    door: { accept: async ({ by }: { by: string }) => void accepted.push(by) } as never,
    registry: { principal: (name: string) => ({ banned: banned.has(name) }) },
  }
  const fired = (by: string) => fireSchedule(parts, project(by), schedule, 'k')
  expect(await fired('user:ann')).toMatchObject({ code: 'forbidden', message: expect.stringContaining('ann') })
  expect(accepted).toEqual([])
  expect(await fired('user:ben')).toBeUndefined()
  banned.clear()
  expect(await fired('user:ann')).toBeUndefined()
  expect(accepted).toEqual(['app:desk/schedule', 'app:desk/schedule'])
})
