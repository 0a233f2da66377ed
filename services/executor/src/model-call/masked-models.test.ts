import type { AgentDefinition } from '@reins/contracts'
import { learnNamed, SecretsRedactor } from '@reins/secrets'
import { expect, test } from 'vitest'
import { maskedModels } from './masked-models.ts'

const plain: AgentDefinition = { name: 'plain', model: 'scripted/assistant', system_prompt: 'You help.' }
const naming: AgentDefinition = {
  ...{ ...plain, name: 'naming' },
  mcp_servers: [{ url: 'https://mcp.example.com', auth: 'bearer', secret: 'TOKEN' }],
}
const versions: Readonly<Record<string, AgentDefinition>> = { plain, naming }

/** What the models of both agents say of this, where the registry has `TOKEN`. */
function masking(learnNamed: (digest: string, definition: unknown) => Promise<boolean>, redactor: SecretsRedactor) {
  const definitions = {
    resolved: async (digest: string) => {
      const definition = versions[digest]
      return definition && { definition, toolset: { kind: 'resolved' as const, tools: [] } }
    },
  }
  return maskedModels({ redactor, definitions, learnNamed })
}

test('of an agent that names a secret each form of it is masked, from its first model call on', async () => {
  const redactor = new SecretsRedactor(['key-of-a-model'])
  const redactorOf = masking(async (digest) => {
    if (digest === 'naming') redactor.learn(['sesame-open'])
    return digest === 'naming'
  }, redactor)
  const named = await redactorOf('naming')
  const base64 = Buffer.from('sesame-open').toString('base64')
  expect(named.text(`sesame-open ${base64}`)).toBe('[redacted] [redacted]=')
  // What is known by then is masked for all, as it is.
  const other = await redactorOf('plain')
  expect(other.text(`key-of-a-model sesame-open ${base64}`)).toBe(`[redacted] [redacted] ${base64}`)
})

test('a registry that is away fails no model call, and is asked again after a while', async () => {
  const redactor = new SecretsRedactor()
  const missed: string[] = []
  let now = 0
  let asked = 0
  const learn = learnNamed({
    resolve: async () => {
      asked++
      return { ok: false, error: { code: 'unavailable', message: 'The registry service is not running.' } }
    },
    learnt: (values) => redactor.learn(values),
    now: () => now,
    missed: (digest, why) => missed.push(`${digest}: ${why}`),
  })
  const redactorOf = masking(learn, redactor)
  await redactorOf('plain')
  for (const at of [0, 1000, 6000]) {
    now = at
    await redactorOf('naming')
  }
  expect(asked).toBe(2)
  expect(missed[0]).toBe('naming: The registry service is not running.')
})
