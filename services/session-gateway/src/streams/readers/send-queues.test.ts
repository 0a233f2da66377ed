import { connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { endsKey, lookInProc, readTable } from './send-queues.ts'

test('the tables of Linux name connections as Node does', () => {
  const queues = new Map<string, number>()
  readTable(
    [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1CFC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1135 1',
      '   1: 0100007F:1CFC 0100007F:A1EE 01 00000400:00000000 01:00000008 00000000     0        0 1136 1',
      '  12: 0100007F:1CFC 0200A8C0:A1EF 01 00000000:00000005 00:00000000 00000000     0        0 1137 1',
      '',
    ].join('\n'),
    queues,
  )
  readTable(
    [
      '  sl  local_address                         remote_address                        st tx_queue rx_queue',
      '   0: 0000000000000000FFFF00000100007F:1CFC 0000000000000000FFFF00000200A8C0:0050 01 000000FF:00000000 01:0 0',
      '   1: 00000000000000000000000001000000:1CFC B80D01200000000000000000010000FE:0051 01 00000010:00000000 01:0 0',
    ].join('\n'),
    queues,
  )
  const at = (remoteAddress: string, remotePort: number) => endsKey({ localPort: 0x1cfc, remoteAddress, remotePort })
  expect([...queues]).toEqual([
    [at('127.0.0.1', 0xa1ee), 0x400],
    [at('::ffff:192.168.0.2', 0x50), 0xff],
    [at('2001:db8::fe00:1', 0x51), 0x10],
  ])
  expect(at('fe80::1%eth0', 1)).toBe(at('fe80::1', 1))
})

test.skipIf(process.platform !== 'linux')('what a reader does not take is seen, and gone with it', async () => {
  const { promise: taken, resolve } = Promise.withResolvers<Socket>()
  const server = createServer(resolve).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((listening) => server.once('listening', listening))
  const address = server.address()
  const reader = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1')
  reader.pause()
  const socket = await taken
  onTestFinished(() => void socket.destroy())
  const { localPort = 0, remoteAddress = '', remotePort = 0 } = socket
  const key = endsKey({ localPort, remoteAddress, remotePort })
  expect((await lookInProc())?.has(key)).toBe(false)
  // More than both ends hold together.
  socket.write(Buffer.alloc(64_000_000))
  expect((await lookInProc())?.get(key)).toBeGreaterThan(0)
  reader.on('error', () => {})
  socket.on('error', () => {})
  reader.resume()
  await new Promise((drained) => socket.once('drain', drained))
  while ((await lookInProc())?.has(key)) await new Promise((resolve) => setImmediate(resolve))
  reader.destroy()
})
