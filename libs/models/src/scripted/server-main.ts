// The scripted server as a process: `node scripted-server-main.ts [--port 0] [--token-interval-ms 0]`. Prints one line of JSON,
// `{"url":"http://127.0.0.1:…/v1"}`, when it listens; ends on SIGTERM or SIGINT.
import { parseArgs } from 'node:util'
import { startScriptedServer } from './server.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'token-interval-ms': { type: 'string', default: '0' } },
})
const whole = (flag: string, value: string): number => {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  process.stderr.write(`--${flag} is "${value}"; it must be a whole number, for example --${flag} 0\n`)
  process.exit(2)
}

const server = await startScriptedServer({
  port: whole('port', values.port),
  tokenIntervalMs: whole('token-interval-ms', values['token-interval-ms']),
})
process.stdout.write(`${JSON.stringify({ url: server.url })}\n`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close())
