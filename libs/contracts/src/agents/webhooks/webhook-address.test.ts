import { expect, test } from 'vitest'
import { isPublicAddress, webhookUrlProblem } from './webhook-address.ts'

test.each(['93.184.216.34', '8.8.8.8', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001:81b::200e'])(
  '%s is public',
  (address) => expect(isPublicAddress(address)).toBe(true),
)

test.each([
  ...[
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
  ],
  ...['100.64.0.1', '192.0.2.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1'],
  ...[
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:0:1::',
    'fe80::1',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
  ],
  ...['', 'localhost', 'x', '1.2.3', '8.8.8.8.8'],
])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false))

test.each([
  ['https://example.com/hook?x=1', undefined],
  ['https://example.com:8443/', undefined],
  ['https://8.8.8.8/', undefined],
  ['ftp://example.com/', 'begin with https://'],
  ['example.com', 'begin with https://'],
  ['', 'begin with https://'],
  ['http://example.com/', 'shows everybody'],
  ['https://user:pass@example.com/', 'no user and no password'],
  ['https://localhost/', 'must be public'],
  ['https://a.localhost/', 'must be public'],
  ['https://127.0.0.1/', 'must be public'],
  ['https://0x7f.1/', 'must be public'],
  ['https://2130706433/', 'must be public'],
  ['https://[::1]/', 'must be public'],
  ['https://[::ffff:10.0.0.1]/', 'must be public'],
  ['https://169.254.169.254/latest/meta-data/', 'must be public'],
])('%s', (url, problem) => {
  const told = webhookUrlProblem(url, { allowPrivate: false })
  if (problem === undefined) expect(told).toBeUndefined()
  else expect(told).toContain(problem)
})

test('an operator who allows private addresses allows http too, and still no password', () => {
  for (const url of ['http://127.0.0.1:8080/', 'http://10.0.0.1/', 'https://localhost/'])
    expect(webhookUrlProblem(url, { allowPrivate: true })).toBeUndefined()
  expect(webhookUrlProblem('http://u:p@127.0.0.1/', { allowPrivate: true })).toContain('no password')
})
