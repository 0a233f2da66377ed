import type { ReinsError } from '@reins/contracts'
import { expect, test } from 'vitest'
import { authorize, type Caller } from './caller.ts'

const caller = (...permissions: string[]): Caller => ({
  ...{ principal: 'ann', kind: 'person', by: 'user:ann', roles: [], permissions },
})

test.each([
  ['*', 'workflow:*:*:register', true],
  ['workflow:*', 'workflow:*:*:register', true],
  ['workflow:*:*:register', 'workflow:*:*:register', true],
  ['workflow:*:*:*', 'workflow:*:*:register', true],
  ['workflow:agents:*:register', 'workflow:*:*:register', false],
  ['workflow:*:*', 'workflow:*:*:register', true],
  ['workflow', 'workflow:*:*:register', false],
  ['agents:*', 'workflow:*:*:register', false],
  ['agents:write', 'agents:write', true],
  ['agents:*', 'agents:write', true],
  ['agents:*:*', 'agents:write', false],
  ['*:write', 'agents:write', true],
  ['sessions:write', 'agents:write', false],
])('%s covers %s: %s', (granted, permission, may) => {
  const ask = () => authorize(caller('pools:read', granted), { needs: [[permission]] })
  if (may) ask()
  else expect(ask).toThrow(`The token of ann has no permission ${permission}.`)
})

test('a refusal says how the permission is granted, where it names one thing', () => {
  const nextOf = (permission: string): string | undefined => {
    try {
      authorize(caller('pools:read'), { needs: [[permission]] })
    } catch (error) {
      return (error as ReinsError).next
    }
    return undefined
  }
  expect(nextOf('agent:coder:start')).toContain('reins principal grant ann --permission agent:coder:start')
  expect(nextOf('agent:<agent>:read')).not.toContain('principal grant')
})
