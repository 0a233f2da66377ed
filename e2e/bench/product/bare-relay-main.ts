// The least that a token costs in Node: read from the model over HTTP, parsed, and written to one reader as an event. No log, no broker, no
// masking, no second reader, no cursor that finds anything again. `node bare-relay-main.ts <url of the clock model>`; prints {"url": …}.
import http from 'node:http'

const [model = ''] = process.argv.slice(2)
const target = new URL(`${model}/chat/completions`)
const agent = new http.Agent({ maxSockets: 10_000 })
const begins = 'data: '

const server = http.createServer((_, reader) => {
  reader.writeHead(200, { 'content-type': 'text/event-stream' })
  reader.flushHeaders()
  let offset = 0
  const asked = http.request(
    target,
    { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
    (answer) => {
      let rest = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        const blocks = (rest + chunk).split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) {
          if (!block.startsWith(begins) || block.endsWith('[DONE]')) continue
          const { choices } = JSON.parse(block.slice(begins.length)) as {
            readonly choices: readonly { readonly delta: { readonly content?: string } }[]
          }
          const text = choices[0]?.delta.content
          if (text === undefined) continue
          const data = { call: 'c', attempt: 1, block: 0, kind: 'text', offset, text }
          offset += text.length
          reader.write(`event: delta\nid: ${offset}\ndata: ${JSON.stringify({ data })}\n\n`)
        }
      })
      answer.on('end', () => reader.end())
    },
  )
  asked.on('error', () => reader.destroy())
  reader.on('close', () => asked.destroy())
  asked.end(JSON.stringify({ model: 'ticking' }))
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
