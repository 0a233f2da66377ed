import type { AgentDefinition, CodeTool, McpServer } from '@reins/contracts'
import { expect, test } from 'vitest'
import { missingValues } from './missing-values.ts'

const tool = (name: string, more: Partial<CodeTool>): CodeTool => ({
  ...{ name, description: 'Does it.', parameters: {}, risk: 'read', replay: 'safe' },
  ...more,
})
const agent = (tools: readonly CodeTool[], ...mcp_servers: McpServer[]): AgentDefinition => ({
  ...{ name: 'a', model: 'm/m', system_prompt: 'x', mcp_servers },
  tools: [{ file: './tools.ts', digest: `sha256-${'0'.repeat(64)}`, size: 1, tools: [...tools] }],
})
const only = (...names: string[]) => ({
  hasSecret: async (name: string) => names.includes(name),
  hasConfig: async (name: string) => names.includes(name),
})

test('a secret of MCP servers that is not there is named with the command that sets it, each once', async () => {
  const definition = agent(
    [],
    { url: 'https://a.example', auth: 'bearer', secret: 'A' },
    { command: 'notes-server', env: { X: 'secret:A', Y: 'secret:B' } },
  )
  expect(await missingValues(definition, only('B'))).toEqual([
    'There is no secret A yet, so the MCP servers that need it are not available. Set it: reins secret set A',
  ])
})

test('secrets and configs that tools ask for are named with these tools', async () => {
  const definition = agent([
    tool('refund', { secret_requests: ['SHOP_TOKEN'], config_requests: ['shop.url', 'shop.name'] }),
    tool('order', { secret_requests: ['SHOP_TOKEN', 'KNOWN'] }),
  ])
  expect(await missingValues(definition, only('KNOWN', 'shop.name'))).toEqual([
    'There is no secret SHOP_TOKEN yet, so calls of the tools refund, order fail. Set it: reins secret set SHOP_TOKEN',
    'There is no config shop.url yet, so calls of the tool refund fail. Set it: reins config set shop.url VALUE',
  ])
})

test('a secret that servers and tools need is one warning', async () => {
  const definition = agent([tool('look', { secret_requests: ['A'] })], {
    ...{ url: 'https://a.example', auth: 'bearer', secret: 'A' },
  })
  expect(await missingValues(definition, only())).toEqual([
    'There is no secret A yet, so the MCP servers that need it are not available, and calls of the tool look fail. Set it: reins secret set A',
  ])
})

test('a model without a price is named where the budget is in US dollars', async () => {
  const priceOf = (model: string) =>
    model === 'm/known' ? { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 } : undefined
  const known = { ...only(), priceOf }
  const spender: AgentDefinition = { ...agent([]), budget: { usd: 1 }, context: { summary_model: 'm/small' } }
  expect(await missingValues(spender, known)).toEqual(
    ['m/m', 'm/small'].map(
      (model) =>
        `There is no price of the model ${model} yet, so sessions with a budget in US dollars are refused. Add it to the file that REINS_PRICES_FILE names, or give the budget a limit in tokens.`,
    ),
  )
  expect(await missingValues({ ...spender, model: 'm/known', context: {} }, known)).toEqual([])
  expect(await missingValues({ ...spender, budget: { tokens: 5 } }, known)).toEqual([])
  expect(await missingValues(spender, only())).toEqual([])
})
