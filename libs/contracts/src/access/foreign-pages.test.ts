import { describe, expect, it } from 'vitest'
import { foreignPage, listensOnLoopback } from './foreign-pages.ts'

const loopback = { loopback: true, allowedHosts: ['reins.example'], allowedOrigins: ['https://desk.example'] }

describe('a request from a page', () => {
  it.each([
    ['of this machine', { host: '127.0.0.1:7420' }],
    ['of a name that is allowed', { host: 'REINS.example' }],
    ['of the server itself', { host: 'localhost:7420', origin: 'http://localhost:7420' }],
    ['of an origin that is allowed', { host: 'localhost', origin: 'https://desk.example' }],
  ])('%s may ask', (_, headers) => expect(foreignPage(headers, loopback)).toBeNull())

  it.each([
    ['a name that leads to this machine', { host: 'evil.example' }, { kind: 'host', what: '"evil.example"' }],
    ['no name', {}, { kind: 'host', what: '""' }],
    ['another origin', { host: 'localhost', origin: 'http://evil' }, { kind: 'origin', what: '"http://evil"' }],
    ['no origin', { host: 'localhost', origin: 'null' }, { kind: 'origin', what: '"null"' }],
    [
      'another port',
      { host: 'localhost:1', origin: 'http://localhost:2' },
      { kind: 'origin', what: '"http://localhost:2"' },
    ],
  ])('of %s may not', (_, headers, foreign) => expect(foreignPage(headers, loopback)).toEqual(foreign))

  it('may name a server that everybody reaches as it likes, unless names are given', () => {
    const open = { loopback: false, allowedHosts: [], allowedOrigins: [] }
    expect(foreignPage({ host: 'any.example' }, open)).toBeNull()
    expect(foreignPage({ host: 'any.example' }, { ...open, allowedHosts: ['one.example'] })).toMatchObject({
      kind: 'host',
    })
  })
})

it('addresses of this machine alone are known', () => {
  expect(['localhost', '127.8.8.8', '::1', '[::1]', '0.0.0.0', '10.0.0.1', '::'].map(listensOnLoopback)).toEqual([
    ...[true, true, true, true],
    ...[false, false, false],
  ])
})
