// Somebody who manages roles, principals and tokens, and may little else: raising what they may, or taking from whoever may more.
import { chatRun } from '@reins/contracts'
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}
type Ask = (method: string, target: string, body?: object) => Promise<Answer>

const asking =
  (world: World, token: string): Ask =>
  async (method, target, body) => {
    const response = await fetch(`${world.api.url()}${target}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(60_000),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
  }

const little = ['agent:mine:start', 'agent:mine:read', chatRun]
const manages = ['role', 'principal', 'token'].map((what) => `${what}:*:*`)
const keeper = ['audit:read', 'agent:mine:read']

export async function tryPrivileges(world: World, tally: Tally): Promise<void> {
  const admin = asking(world, world.token)
  const made = async (ask: Ask, method: string, target: string, body: object): Promise<Answer['body']> => {
    const answer = await ask(method, target, body)
    if (answer.status >= 300) throw new Error(`${method} ${target}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  await made(admin, 'POST', '/v1/roles/keeper', { permissions: keeper })
  await made(admin, 'POST', '/v1/principals', { name: 'keeping', roles: ['keeper'] })
  await made(admin, 'POST', '/v1/principals', { name: 'climber', permissions: [...little, ...manages] })
  const theirs = await made(admin, 'POST', '/v1/tokens', { principal: 'keeping' })
  const mine = await made(admin, 'POST', '/v1/tokens', { principal: 'climber' })
  const climber = asking(world, String(mine.text))
  const narrow = asking(
    world,
    String(
      (
        await made(climber, 'POST', '/v1/tokens', {
          permissions: ['token:climber:create', 'agent:mine:read'],
          expires: '1h',
        })
      ).text,
    ),
  )
  await made(climber, 'POST', '/v1/roles/rung', { permissions: little })
  await made(climber, 'POST', '/v1/principals/climber/grant', { roles: ['rung'] })
  const { tokens = [] } = (await admin('GET', '/v1/tokens')).body as {
    tokens?: readonly { id: string; principal: string }[]
  }
  const idOf = (principal: string): string => tokens.find((one) => one.principal === principal)?.id ?? 'none'

  const tried: readonly (readonly [what: string, ask: Ask, method: string, target: string, body?: object])[] = [
    ['give a role that one has more', climber, 'PUT', '/v1/roles/rung', { permissions: [...little, 'audit:read'] }],
    ['give a role that one has everything', climber, 'PUT', '/v1/roles/rung', { permissions: ['*'] }],
    ['give a role of others more', climber, 'PUT', '/v1/roles/keeper', { permissions: [...keeper, 'secret:*:manage'] }],
    ['take what one has not from a role of others', climber, 'PUT', '/v1/roles/keeper', { permissions: [] }],
    ['put something else in its place', climber, 'PUT', '/v1/roles/keeper', { permissions: ['agent:mine:read'] }],
    ['make a role of all agents', climber, 'POST', '/v1/roles/all', { permissions: ['agent:*:start'] }],
    ['make a role by a star at the end', climber, 'POST', '/v1/roles/star', { permissions: ['agent:mine:*'] }],
    ['make a role of an older name for more', climber, 'POST', '/v1/roles/older', { permissions: ['sessions:write'] }],
    ['make a role that is everything', climber, 'POST', '/v1/roles/whole', { permissions: ['*'] }],
    ['change a role of Reins', climber, 'PUT', '/v1/roles/viewer', { permissions: little }],
    ['take a role of others for oneself', climber, 'POST', '/v1/principals/climber/grant', { roles: ['keeper'] }],
    ['take the role admin', climber, 'POST', '/v1/principals/climber/grant', { roles: ['admin'] }],
    ['take everything', climber, 'POST', '/v1/principals/climber/grant', { permissions: ['*'] }],
    [
      'make a principal with a role of others',
      climber,
      'POST',
      '/v1/principals',
      { name: 'puppet', roles: ['keeper'] },
    ],
    ['make an administrator', climber, 'POST', '/v1/principals', { name: 'puppet2', roles: ['admin'] }],
    ['take a role from who may more', climber, 'POST', '/v1/principals/keeping/revoke', { roles: ['keeper'] }],
    ['ban who may more', climber, 'POST', '/v1/principals/keeping/ban', {}],
    ['ban the administrator', climber, 'POST', '/v1/principals/admin/ban', {}],
    ['make a token of everything', climber, 'POST', '/v1/tokens', { permissions: ['*'] }],
    ['make a token of a role of others', climber, 'POST', '/v1/tokens', { roles: ['keeper'] }],
    [
      'make a token of others with what they have',
      climber,
      'POST',
      '/v1/tokens',
      { principal: 'keeping', permissions: keeper },
    ],
    ['revoke the token of who may more', climber, 'DELETE', `/v1/tokens/${idOf('keeping')}`],
    ['revoke the token of the administrator', climber, 'DELETE', `/v1/tokens/${idOf('admin')}`],
    ['make a token that may more than the one that makes it', narrow, 'POST', '/v1/tokens', { permissions: little }],
    ['make a role with a token that may not', narrow, 'POST', '/v1/roles/narrow', { permissions: ['agent:mine:read'] }],
    ['make a token of somebody else with a token for one', narrow, 'POST', '/v1/tokens', { principal: 'keeping' }],
  ]
  for (const [what, ask, method, target, body] of tried) {
    const { status } = await ask(method, target, body)
    tally.note('somebody who manages access', what, status >= 400 && status < 500 ? 'refused' : 'got through')
  }
  const longer = await narrow('POST', '/v1/tokens', { permissions: ['agent:mine:read'], expires: '30d' })
  const { expiresAt = Number.POSITIVE_INFINITY } = (longer.body.token ?? {}) as { expiresAt?: number }
  const outlives = longer.status < 300 && expiresAt > Date.now() + 2 * 3_600_000
  tally.note('somebody who manages access', 'make a token that lives longer', outlives ? 'got through' : 'refused')
  const theirToken = asking(world, String(theirs.text))
  const still = await theirToken('GET', '/v1/audit')
  tally.note(
    'somebody who manages access',
    'leave others less than they had',
    still.status === 200 ? 'refused' : 'got through',
  )
}
