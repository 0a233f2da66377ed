// Tokens, roles and principals as a person or a program uses them.
import { expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import { fakeContext, fakeServer } from './fakes.ts'

async function reins(...words: string[]) {
  const context = fakeContext(fakeServer().client)
  const code = await runProgram(clientProgram(context), words, context)
  return { code, out: context.stdout.text, err: context.stderr.text }
}

test('a token goes to stdout, and what it is worth to the person', async () => {
  const { code, out } = await reins(
    'token',
    'create',
    '--principal',
    'ci',
    '--permission',
    'agent:*:read,config:*:read',
  )
  expect([code, out.split('\n')[0]]).toEqual([0, 'reins_text'])
  expect((await reins('token', 'create', '--expires', '30 days')).code).toBe(2)
  expect((await reins('token', 'list')).out).toContain('0123456789abcdef  ci         build')
  expect((await reins('token', 'revoke', '0123456789abcdef')).out).toBe('Revoked the token 0123456789abcdef.\n')
})

test('roles are listed, shown, made, updated and deleted', async () => {
  expect((await reins('role', 'list')).out).toContain('admin')
  expect((await reins('role', 'show', 'viewer')).out).toBe('agent:*:read\nconfig:*:read\n')
  const put = ['reader', '--permission', 'agent:*:read, config:*:read']
  expect((await reins('role', 'create', ...put)).out).toContain('Made the role reader.')
  expect((await reins('role', 'update', ...put)).out).toBe('Updated the role reader.\n')
  expect((await reins('role', 'create', 'reader')).code).toBe(2)
  expect((await reins('role', 'delete', 'reader')).out).toBe('Deleted the role reader.\n')
})

test('principals are made, given and taken what they may, and banned', async () => {
  expect((await reins('principal', 'create', 'ann', '--role', 'viewer')).out).toContain(
    'Made the principal ann. It has the role viewer.',
  )
  expect((await reins('principal', 'grant', 'ann', '--role', 'viewer', '--permission', 'budget:raise')).out).toBe(
    'ann has now the role viewer and the grant budget:raise.\n',
  )
  expect((await reins('principal', 'revoke', 'ann', '--role', 'viewer')).out).toBe(
    'ann has now no roles and no grants.\n',
  )
  expect((await reins('principal', 'grant', 'ann')).code).toBe(2)
  expect((await reins('principal', 'ban', 'ann', '--reason', 'left')).out).toBe('Banned ann.\n')
  expect((await reins('principal', 'unban', 'ann')).out).toBe('ann is banned no more.\n')
  expect((await reins('principal', 'list')).out).toContain('admin')
})

test('auth can says why, and fails where not', async () => {
  expect(await reins('auth', 'can', 'agent:coder:start')).toMatchObject({
    code: 0,
    out: 'Yes: admin may agent:coder:start: * covers it (role admin).\n',
  })
  const { code, out, err } = await reins('auth', 'can', 'agent:coder:start', '--as', 'ann')
  expect(code).toBe(1)
  expect(out).toContain('No: ann may not agent:coder:start: no role and no grant covers it.')
  expect(out + err).toContain('reins principal grant ann --permission agent:coder:start')
})
