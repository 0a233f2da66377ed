// What an operator says of the identity provider, and what is said where it is wrong.
import { Environment } from '@reins/service'
import { expect, test } from 'vitest'
import { personOf, principalOf } from './roles.ts'
import { type OidcSettings, readOidcSettings } from './settings.ts'

const usual = { REINS_OIDC_ISSUER: 'https://login.example.com', REINS_OIDC_AUDIENCE: 'reins' }

function read(env: Readonly<Record<string, string>>): OidcSettings | undefined {
  const environment = new Environment(env)
  const settings = readOidcSettings(environment)
  environment.check()
  return settings
}

test('without an issuer there is none', () => {
  expect(read({})).toBeUndefined()
})

test('an issuer and an audience are enough', () => {
  expect(read(usual)).toMatchObject({
    ...{ issuer: 'https://login.example.com', audiences: ['reins'], rolesClaim: 'groups', clockSkewMs: 3000 },
    ...{ algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'], roles: {}, loginParameters: {} },
  })
})

test.each([
  [{ ...usual, REINS_OIDC_ALGORITHMS: 'RS256,HS256' }, 'REINS_OIDC_ALGORITHMS names HS256'],
  [{ ...usual, REINS_OIDC_ALGORITHMS: 'none' }, 'REINS_OIDC_ALGORITHMS names none'],
  [{ ...usual, REINS_OIDC_ISSUER: 'http://login.example.com' }, 'is not an issuer'],
  [{ ...usual, REINS_OIDC_AUDIENCE: '' }, 'REINS_OIDC_ISSUER needs an audience'],
  [{ REINS_OIDC_AUDIENCE: 'reins' }, 'REINS_OIDC_AUDIENCE is set without an issuer'],
  [{ ...usual, REINS_OIDC_ROLES: 'admin' }, 'REINS_OIDC_ROLES is not valid'],
  [{ ...usual, REINS_OIDC_ROLES: '{"a": 5}' }, 'REINS_OIDC_ROLES is not valid'],
])('%j is told to be wrong', (env, problem) => {
  expect(() => read(env)).toThrow(problem)
})

test('groups become roles, by pairs or by JSON, along the dots of a claim', () => {
  const pairs = read({ ...usual, REINS_OIDC_ROLES: 'ops=operator, ops=auditor,/a b=viewer' })!
  expect(personOf({ groups: ['ops', '/a b'] }, 's', pairs).roles).toEqual(['operator', 'auditor', 'viewer'])
  const json = read({
    ...usual,
    REINS_OIDC_ROLES: '{"cn=ops,ou=x": "operator"}',
    REINS_OIDC_ROLES_CLAIM: 'realm.roles',
    REINS_OIDC_DEFAULT_ROLES: 'viewer',
  })!
  expect(personOf({ realm: { roles: ['cn=ops,ou=x'] } }, 's', json).roles).toEqual(['viewer', 'operator'])
  expect(personOf({ realm: 'x', groups: ['__proto__', 'constructor'] }, 's', json).roles).toEqual(['viewer'])
})

test('a name is shown beside the identity, and cannot be taken for another', () => {
  const settings = read(usual)!
  const ann = personOf({ email: 'ann@example.com' }, 's-1', settings)
  expect(ann).toMatchObject({ name: 'ann@example.com', principal: 'login.example.com:s-1' })
  const unverified = personOf(
    { email: 'boss@example.com', email_verified: false, name: 'An\u202en (admin)' },
    's',
    settings,
  )
  expect(unverified.name).toBe('Ann admin')
  expect(personOf({}, 's-1', settings).principal).toBe(ann.principal)
  expect(personOf({}, 's-2', settings).principal).not.toBe(ann.principal)
})

test.each([
  ['https://login.example.com', '248289761001', 'login.example.com:248289761001'],
  ['https://login.example.com/', 'Ann', 'login.example.com:sha-17239b6e250110330eda64a29c610bf1'],
  ['https://login.example.com', 'sha-x', 'login.example.com:sha-'],
  ['https://login.example.com/realms/a', 's', 'login.example.com-'],
  ['http://127.0.0.1:9000', 's', '127.0.0.1-'],
])('the subject of %s that is called %s is the principal %s…', (issuer, subject, principal) => {
  expect(principalOf(issuer, subject).slice(0, principal.length)).toBe(principal)
  expect(principalOf(issuer, subject)).toMatch(/^[a-z0-9][a-z0-9._@+-]{0,63}:[a-z0-9._@+-]{1,128}$/)
})
