// An MCP server that asks people: the reference implementation, as a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import path from 'node:path'

const require = createRequire(import.meta.url)
const everything = path.join(
  path.dirname(require.resolve('@modelcontextprotocol/server-everything/package.json')),
  'dist/index.js',
)

export interface AskingServer extends AsyncDisposable {
  readonly url: string
}

export async function askingServer(): Promise<AskingServer> {
  const port = await freePort()
  const server = spawn(process.execPath, [everything, 'streamableHttp'], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(server, 'exit')
  await new Promise<void>((resolve) => {
    server.stderr.on('data', (text: Buffer) => text.toString().includes(String(port)) && resolve())
  })
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.kill('SIGKILL')
      await ended
    },
  }
}

export const authorizePage = 'https://example.com/authorize?state=1'
/** For the scripted model; the server is called `all`. */
export const askForPage = `call mcp__all__trigger-url-elicitation {"url": "${authorizePage}", "message": "Please allow it"}`

export async function freePort(): Promise<number> {
  const free = createServer()
  await once(free.listen(0, '127.0.0.1'), 'listening')
  const address = free.address()
  free.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
