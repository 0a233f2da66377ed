// A model whose every token is the time at which it left: process.hrtime.bigint() (one clock for all processes of a machine)
// between "t" and a space. Speaks just enough of OpenAI's chat completions. `node clock-model-main.ts`; prints {"url": …}.
//   - `clock` says 250 tokens, 50 a second. `ticking` goes on until its caller hangs up, or for ten minutes.
//   - `held` says one token and then nothing more, as slow models do while they think, until its caller hangs up.
//   - `silent` says nothing until somebody tells it to answer: `GET …/held` says how many wait, `POST …/answers` with {"numbers": [1, 2]}
//     answers those whose last message was "think 1" and "think 2".
import http from 'node:http'

const everyMs = 20
const tokensOf: Readonly<Record<string, number>> = { clock: 250, ticking: 30_000, held: 1 }

/** Of `silent`, by the number of the message. */
const silent = new Map<number, () => void>()

const server = http.createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    if (request.url?.endsWith('/held')) return void response.end(JSON.stringify({ held: silent.size }))
    if (request.url?.endsWith('/answers')) {
      for (const number of (JSON.parse(body) as { readonly numbers: readonly number[] }).numbers) silent.get(number)?.()
      return void response.end('{}')
    }
    const model = /"model":\s*"(\w+)"/.exec(body)?.[1] ?? 'clock'
    const tokens = tokensOf[model] ?? 250
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.socket?.setNoDelay(true)
    const send = (choice: object): void =>
      void response.write(
        `data: ${JSON.stringify({ id: 'c', model: 'clock', choices: [{ index: 0, ...choice }] })}\n\n`,
      )
    if (model === 'silent') {
      const number = Number([...body.matchAll(/"think (\d+)"/g)].at(-1)?.[1])
      response.flushHeaders()
      response.on('close', () => silent.delete(number))
      silent.set(number, () => {
        send({ delta: { content: 'thought' } })
        send({ delta: {}, finish_reason: 'stop' })
        response.end('data: [DONE]\n\n')
      })
      return
    }
    let sent = 0
    const timer = setInterval(() => {
      if (sent++ < tokens) return send({ delta: { content: `t${process.hrtime.bigint()} ` } })
      if (model === 'held') return void response.write(': thinking\n\n')
      clearInterval(timer)
      send({ delta: {}, finish_reason: 'stop' })
      response.end('data: [DONE]\n\n')
    }, everyMs)
    response.on('close', () => clearInterval(timer))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}/v1` })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
