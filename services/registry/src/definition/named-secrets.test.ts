import type { AgentDefinition } from '@reins/contracts'
import { expect, test } from 'vitest'
import { mustHaveSecrets } from './named-secrets.ts'

const plain: AgentDefinition = { name: 'coder', model: 'm/m', system_prompt: 'x' }
const asking = (url: string, secret: string): AgentDefinition => ({
  ...plain,
  mcp_servers: [{ url, auth: 'bearer', secret }],
})
const refusal = (
  definition: AgentDefinition,
  current: AgentDefinition | undefined,
  ...may: readonly string[]
): string | null => {
  try {
    mustHaveSecrets(definition, current, may)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

const here = 'https://mcp.example.com/mcp'

test('an agent gets a secret by who may use it', () => {
  expect(refusal(asking(here, 'ONE'), undefined)).toContain('needs the permission secret:use:ONE.')
  expect(refusal(asking(here, 'ONE'), plain, 'TWO')).toContain('secret:use:ONE')
  expect(refusal(asking(here, 'ONE'), plain, 'ONE')).toBeNull()
})

test('and keeps it under the hand of who may not', () => {
  expect(refusal({ ...asking(here, 'ONE'), system_prompt: 'other' }, asking(here, 'ONE'))).toBeNull()
})

test('a secret that an agent has is not sent to another server by who may not use it', () => {
  expect(refusal(asking('https://mine.example.net/', 'ONE'), asking(here, 'ONE'))).toBe(
    'The definition sends the secret ONE to https://mine.example.net/, which the agent does not do yet. That needs the permission secret:use:ONE.',
  )
  const headers = { 'x-key': 'secret:ONE' }
  expect(
    refusal({ ...plain, mcp_servers: [{ url: 'https://mine.example.net/', headers }] }, asking(here, 'ONE')),
  ).toContain('secret:use:ONE')
})
