// The scripted model as a server of its own, in the place of Ollama.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { scriptedServerMain } from '@reins/models'

export interface ModelServer extends AsyncDisposable {
  /** 127.0.0.1:… */
  readonly host: string
}

export async function modelServer(): Promise<ModelServer> {
  const server = spawn(process.execPath, [fileURLToPath(scriptedServerMain)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(server, 'exit')
  const [line] = await once(server.stdout.setEncoding('utf8'), 'data')
  return {
    host: new URL(JSON.parse(String(line)).url).host,
    async [Symbol.asyncDispose]() {
      server.kill('SIGKILL')
      await ended
    },
  }
}
