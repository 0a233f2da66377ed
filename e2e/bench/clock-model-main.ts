// A model whose every token is the time at which it left: process.hrtime.bigint() (one clock for all processes of a machine)
// between "t" and a space. Speaks just enough of OpenAI's chat completions. `node clock-model-main.ts`; prints {"url": …}.
import http from 'node:http'

const everyMs = 20
const tokens = 250

const server = http.createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.socket?.setNoDelay(true)
    const send = (choice: object): void =>
      void response.write(
        `data: ${JSON.stringify({ id: 'c', model: 'clock', choices: [{ index: 0, ...choice }] })}\n\n`,
      )
    let sent = 0
    const timer = setInterval(() => {
      if (sent++ < tokens) return send({ delta: { content: `t${process.hrtime.bigint()} ` } })
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
