import { expect, test } from 'vitest'
import { brokerServers, serverUrls } from './server-urls.ts'

test('one server, with credentials and without', () => {
  expect(brokerServers('nats://me:p%40ss@10.0.0.5:4222')).toEqual({
    servers: ['nats://10.0.0.5:4222'],
    username: 'me',
    password: 'p@ss',
  })
  expect(brokerServers('10.0.0.5:4222')).toEqual({ servers: ['nats://10.0.0.5:4222'] })
})

test('the servers of a cluster: the credentials of the first count for all', () => {
  const servers = ['nats://a:4222', 'nats://b:4222', 'nats://c:4223']
  expect(brokerServers('nats://me:secret@a:4222,b:4222, nats://c:4223')).toEqual({
    ...{ servers, username: 'me', password: 'secret' },
  })
  expect(brokerServers('nats://me:secret@a:4222,nats://me:secret@b:4222,nats://c:4223,').servers).toEqual(servers)
})

test('a comma in a password separates nothing', () => {
  expect(serverUrls('nats://me:one,two@a:4222,b:4222')).toEqual(['nats://me:one,two@a:4222', 'b:4222'])
})

test('what is no URL is refused', () => {
  expect(() => brokerServers('nats://a:4222,b:not-a-port')).toThrow(TypeError)
})
