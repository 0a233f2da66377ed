import { expect, onTestFinished, test } from 'vitest'
import { listPlans } from '../../services/memory/test/list-plans.ts'
import { testServers } from './servers.ts'

test('no list of sessions scans or sorts the table, whatever it asks for and however deep', async () => {
  const servers = await testServers({ postgres: true })
  onTestFinished(() => servers.close())
  const plans = await listPlans(servers.databaseUrl ?? '', 40_000)
  expect(plans).toHaveLength(10)
  for (const { name, steps, removed } of plans)
    expect({ name, steps, removed }).toEqual({ name, steps: ['Limit', 'Index Scan'], removed: 0 })
})
