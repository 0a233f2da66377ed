import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { NatsProxy, type ProxyFaults } from './nats-proxy.ts'

/** A server that a client reaches through a proxy; what each of the two has got so far. */
async function pair(faults: ProxyFaults) {
  const sockets: net.Socket[] = []
  const server = net.createServer((socket) => sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const proxy = await NatsProxy.open(typeof address === 'object' && address ? address.port : 0, faults)
  const client = net.connect(proxy.port, '127.0.0.1')
  client.on('error', () => undefined)
  await expect.poll(() => sockets.length).toBe(1)
  const inside = sockets[0]
  if (!inside) throw new Error('nobody connected')
  const got = { client: '', server: '' }
  client.on('data', (chunk) => {
    got.client += chunk
  })
  inside.on('data', (chunk) => {
    got.server += chunk
  })
  onTestFinished(() => {
    client.destroy()
    proxy.close()
    server.close()
  })
  return { client, inside, got, proxy }
}

const confirmation = 'MSG _INBOX.a.1 1 31\r\n{"stream":"SES-3","seq":123456}\r\n'
const other = 'HMSG live.x 2 12 17\r\nNATS/1.0\r\n\r\nhello\r\n'

test('a confirmation is lost as a whole, wherever the network cuts it, and nothing else is', async () => {
  const { inside, got } = await pair({ losesReply: () => true, losesAck: () => false })
  const text = `PING\r\n${other}${confirmation}${other}+OK\r\n`
  for (const byte of text) inside.write(byte)
  await expect.poll(() => got.client).toBe(`PING\r\n${other}${other}+OK\r\n`)
})

test('an ack of a trigger is lost, a nak and a sign of life are not', async () => {
  const { client, got } = await pair({ losesReply: () => false, losesAck: () => true })
  const ack = 'PUB $JS.ACK.SES.exec-default.1.2.3.4.5 4\r\n+ACK\r\n'
  const alive = 'PUB $JS.ACK.SES.exec-default.1.2.3.4.5 4\r\n+WPI\r\n'
  client.write(`${ack}${alive}${ack}PING\r\n`)
  await expect.poll(() => got.server).toBe(`${alive}PING\r\n`)
})

test('what is frozen comes when it is healed; what is cut does not come back by itself', async () => {
  const { client, inside, got, proxy } = await pair({ losesReply: () => false, losesAck: () => false })
  proxy.freeze()
  inside.write(other)
  client.write('PING\r\n')
  proxy.heal()
  await expect.poll(() => got.client + got.server).toBe(`${other}PING\r\n`)
  const closed = new Promise((resolve) => client.once('close', resolve))
  proxy.cut()
  await closed
})
