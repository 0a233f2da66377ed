import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'

test('without an environment there is a broker on this machine, and no database', () => {
  expect(loadConfig({})).toEqual({ natsUrl: 'nats://127.0.0.1:4222', databaseUrl: undefined, logLevel: 'info' })
})
test('what is wrong is named with a valid value', () => {
  expect(() => loadConfig({ DATABASE_URL: 'mysql://x', REINS_LOG_LEVEL: 'loud' })).toThrow(
    /DATABASE_URL: .*postgres:\/\/[\s\S]*REINS_LOG_LEVEL="loud": debug, info/,
  )
})
