import { expect, test } from 'vitest'
import { secretNamesIn } from './secret-names.ts'

test('a definition names secrets as a token, as requests of code, and as references; a text that only mentions one names none', () => {
  const definition = {
    name: 'coder',
    system_prompt: 'use secret:NOT_THIS to log in',
    tools: [{ code: { file: 'tools.ts', tools: [{ name: 'x', secret_requests: ['STRIPE_KEY'] }] } }],
    mcp_servers: [
      {
        url: 'https://example.com/mcp',
        auth: 'bearer',
        secret: 'GITHUB_TOKEN',
        headers: { 'X-Key': 'secret:HEADER_KEY' },
      },
      { command: 'server', env: { TOKEN: 'secret:ENV.TOKEN', HOME: '/root' } },
    ],
  }
  expect([...secretNamesIn(definition)].sort()).toEqual(['ENV.TOKEN', 'GITHUB_TOKEN', 'HEADER_KEY', 'STRIPE_KEY'])
})
