import { describe, expect, it } from 'vitest'
import { type McpServer, mcpProblems, mcpServers, secretsOfMcpServers } from './mcp-servers.ts'

const name = (server: McpServer) => mcpServers({ mcp_servers: [server] })[0]?.name
const problems = (...servers: readonly McpServer[]) =>
  mcpProblems(servers).map(({ path, message }) => `${path} ${message}`)

describe('a server of a definition', () => {
  it.each<[McpServer, string]>([
    [{ url: 'https://mcp.example.com/mcp' }, 'mcp-example-com'],
    [{ url: 'http://127.0.0.1:3001/mcp' }, '127-0-0-1-3001'],
    [{ url: 'https://mcp.example.com/mcp', name: 'mine' }, 'mine'],
    [{ command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem@1.2.3', '/srv'] }, 'server-filesystem'],
    [{ command: '/opt/tools/git-server.js' }, 'git-server'],
    [{ command: 'node', args: ['--no-warnings', 'dist/my__server.mjs'] }, 'my_server'],
    [{ command: 'docker', args: ['run', '-i', 'ghcr.io/github/github-mcp-server'] }, 'github-mcp-server'],
  ])('has a name: %j is %s', (server, expected) => {
    expect(name(server)).toBe(expected)
    expect(problems(server)).toEqual([])
  })

  it('has times, and keeps the names of its secrets', () => {
    const definition = {
      mcp_servers: [
        {
          url: 'https://a.example',
          auth: 'bearer',
          secret: 'TOKEN',
          headers: { 'X-Org': 'secret:ORG', 'X-Plain': 'x' },
        },
        { command: 'tool', env: { KEY: 'secret:KEY', OTHER: 'secret:TOKEN' } },
      ],
    }
    expect(mcpServers(definition)[0]).toMatchObject({ callMs: 60_000, connectMs: 10_000, optional: false })
    expect(secretsOfMcpServers(definition)).toEqual(['TOKEN', 'ORG', 'KEY'])
  })

  it.each<[McpServer, string]>([
    [{}, '[0] needs a url, or a command'],
    [{ url: 'https://a.example', command: 'x' }, '[0] has a url and a command'],
    [{ url: 'a.example' }, '[0].url must be a URL'],
    [{ url: 'file:///etc/passwd' }, '[0].url must begin with https:// or http://'],
    [{ url: 'https://me:pw@a.example' }, '[0].url must not hold a user or a password'],
    [
      { url: 'https://a.example', auth: 'oauth', secret: 'X' },
      '[0].auth is "oauth", which Reins does not know; there is: bearer',
    ],
    [{ url: 'https://a.example', auth: 'bearer' }, '[0] has auth: bearer and no secret'],
    [{ url: 'https://a.example', secret: 'X' }, '[0].secret needs auth: bearer'],
    [{ url: 'https://a.example', args: ['x'] }, '[0].args does not go with a url'],
    [{ command: 'x', auth: 'bearer', secret: 'X' }, '[0].auth does not go with a command'],
    [{ command: 'x', env: { A: 'secret:no good' } }, '[0].env.A names no secret'],
    [
      { url: 'https://a.example', auth: 'bearer', secret: 'X', headers: { authorization: 'Basic x' } },
      '[0].headers must not hold Authorization',
    ],
  ])('is refused: %j', (server, expected) => {
    expect(problems(server).join('\n')).toContain(expected)
  })

  it('has a name of its own', () => {
    expect(problems({ url: 'https://a.example/1' }, { url: 'https://a.example/2' })).toEqual([
      '[1] has the name "a-example", as mcp_servers[0] has: give each server a name of its own',
    ])
  })
})
