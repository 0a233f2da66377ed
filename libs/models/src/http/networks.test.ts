import { expect, test } from 'vitest'
import { inNetworks } from './networks.ts'

test.each([
  ['10.0.0.0/8', '10.1.2.3', true],
  ['localhost, 192.168.0.0/16', '192.168.7.9', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['10.0.0.0/8', '10.example.com', false],
  ['fd00::/8', '[fd12::1]', true],
  ['fd00::/8', '[fe80::1]', false],
  ['0.0.0.0/0', '8.8.8.8', true],
  ['10.0.0.0/99, x/8, 10.0.0.0', '10.0.0.0', false],
  ['', '10.0.0.0', false],
])('%s, and %s: %s', (except, host, expected) => {
  expect(inNetworks(except)(host)).toBe(expected)
})
