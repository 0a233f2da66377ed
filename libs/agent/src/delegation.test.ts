import { expect, test } from 'vitest'
import { AgentValidationError, DelegationResult } from './delegation.ts'

test('a result is read from what a call of delegate gave, and is plain data again', () => {
  const text = '{"agent":"deployer","status":"paused","output":{"waits_for":"approval"},"execution_id":"x-1"}'
  const result = DelegationResult.from(text)
  expect(result).toMatchObject({ agent: 'deployer', status: 'paused', execution_id: 'x-1' })
  expect(JSON.stringify(result.toDict())).toBe(text)
})

test('a key that has no value is absent', () => {
  const result = new DelegationResult({ agent: 'a', status: 'completed', output: null })
  expect(Object.keys(result.toDict())).toEqual(['agent', 'status', 'output'])
  expect('execution_id' in result).toBe(false)
})

test.each(['no JSON', null, {}, { agent: 'a', status: 'done', output: 1 }, { agent: 'a', status: 'failed' }])(
  '%j is no result',
  (value) => {
    expect(() => DelegationResult.from(value)).toThrow(TypeError)
  },
)

test('errors of agents are errors of their own kind', () => {
  expect(new AgentValidationError("Duplicate agent name: 'a'")).toMatchObject({
    name: 'AgentValidationError',
    message: "Duplicate agent name: 'a'",
  })
})
