// A collector of spans that costs as little as one can: it takes every request, and counts the spans without reading them.
// `node span-receiver-main.ts`; prints {"url": …}. `GET /spans` says how many it has taken.
import http from 'node:http'

const mark = Buffer.from('"spanId"')
let spans = 0

const server = http.createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('error', () => undefined)
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' })
    if (request.method === 'GET') return void response.end(JSON.stringify({ spans }))
    const body = Buffer.concat(parts)
    for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) spans++
    response.end('{}')
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
