// Which identity provider people sign in at, and what its tokens mean here. Pure.
//   OS1. Only signatures with a public key are taken: nobody can allow `none` or a shared secret.
//   OS2. An issuer speaks https, unless it is on this machine.
import type { Environment } from '@reins/service'

export interface OidcSettings {
  /** As it stands in `iss`, to the letter. */
  readonly issuer: string
  /** One of them must stand in `aud`. */
  readonly audiences: readonly string[]
  /** Of the command line, at the issuer; undefined: people bring tokens themselves. */
  readonly clientId: string | undefined
  readonly scopes: string
  /** Sent along with each request for a token, such as resource or audience. */
  readonly loginParameters: Readonly<Record<string, string>>
  readonly algorithms: readonly string[]
  /** ms by which the clocks of issuer and gateway may differ. */
  readonly clockSkewMs: number
  /** Claims that may name a person to other people; the first that is there does. */
  readonly nameClaims: readonly string[]
  readonly rolesClaim: string
  /** By the value of that claim. */
  readonly roles: Readonly<Record<string, readonly string[]>>
  /** Of everybody whose token is accepted. */
  readonly defaultRoles: readonly string[]
}

/** OS1 */
const possibleAlgorithms: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
const usualAlgorithms = 'RS256,PS256,ES256,EdDSA,Ed25519'
const usualScopes = 'openid profile email offline_access'

/** undefined: there is no identity provider. What is wrong is told to `read`. */
export function readOidcSettings(read: Environment): OidcSettings | undefined {
  const issuer = read.text('REINS_OIDC_ISSUER')
  const audiences = listed(read.text('REINS_OIDC_AUDIENCE', ''))
  const settings = {
    audiences,
    clientId: read.text('REINS_OIDC_CLIENT_ID'),
    scopes: read.text('REINS_OIDC_SCOPES', usualScopes),
    loginParameters: Object.fromEntries(new URLSearchParams(read.text('REINS_OIDC_LOGIN_PARAMETERS', ''))),
    algorithms: listed(read.text('REINS_OIDC_ALGORITHMS', usualAlgorithms)),
    clockSkewMs: read.integer('REINS_OIDC_CLOCK_SKEW_S', 3, { min: 0, max: 600 }) * 1000,
    nameClaims: listed(read.text('REINS_OIDC_NAME_CLAIM', 'email,preferred_username,name')),
    rolesClaim: read.text('REINS_OIDC_ROLES_CLAIM', 'groups'),
    roles: rolesOf(read),
    defaultRoles: listed(read.text('REINS_OIDC_DEFAULT_ROLES', '')),
  }
  const wrong = settings.algorithms.filter((one) => !possibleAlgorithms.includes(one))
  if (wrong.length > 0 || settings.algorithms.length === 0)
    read.problem(
      `REINS_OIDC_ALGORITHMS names ${wrong.join(', ') || 'no algorithm'}, which Reins does not accept. ` +
        `Give some of ${possibleAlgorithms.join(', ')}, such as REINS_OIDC_ALGORITHMS=RS256,ES256`,
    )
  if (issuer === undefined) {
    if (audiences.length > 0)
      read.problem(
        'REINS_OIDC_AUDIENCE is set without an issuer. Give one such as REINS_OIDC_ISSUER=https://login.example.com',
      )
    return undefined
  }
  if (!isIssuer(issuer))
    read.problem(
      `REINS_OIDC_ISSUER="${issuer.slice(0, 200)}" is not an issuer. ` +
        'Give its https address to the letter, such as REINS_OIDC_ISSUER=https://login.example.com',
    )
  if (audiences.length === 0)
    read.problem(
      'REINS_OIDC_ISSUER needs an audience: without one a token for any other program would be accepted. ' +
        'Give the name of Reins at the issuer, such as REINS_OIDC_AUDIENCE=https://reins.example.com',
    )
  return { issuer, ...settings }
}

/** OS2 */
export function isTrustedAddress(text: string): boolean {
  const url = URL.parse(text)
  if (url === null) return false
  if (url.username !== '' || url.password !== '' || url.hash !== '') return false
  const local = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && local)
}

const isIssuer = (text: string): boolean => isTrustedAddress(text) && !text.includes('?')

const listed = (text: string): readonly string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

/** `platform=admin,developers=operator`, or JSON where names hold such characters themselves: `{"cn=ops,ou=x": ["operator"]}`. */
function rolesOf(read: Environment): Readonly<Record<string, readonly string[]>> {
  const text = read.text('REINS_OIDC_ROLES', '')
  const roles = text.trimStart().startsWith('{') ? rolesOfJson(text) : rolesOfPairs(text)
  if (roles !== undefined) return roles
  read.problem(
    'REINS_OIDC_ROLES is not valid. Give pairs of a group and a role, such as REINS_OIDC_ROLES=platform=admin,developers=operator, ' +
      'or JSON such as {"platform": ["admin"]}',
  )
  return {}
}

function rolesOfPairs(text: string): Readonly<Record<string, readonly string[]>> | undefined {
  const roles: Record<string, string[]> = Object.create(null)
  for (const pair of listed(text)) {
    const at = pair.lastIndexOf('=')
    const group = pair.slice(0, at).trim()
    const role = pair.slice(at + 1).trim()
    if (at < 1 || group === '' || role === '') return undefined
    roles[group] = [...(roles[group] ?? []), role]
  }
  return roles
}

function rolesOfJson(text: string): Readonly<Record<string, readonly string[]>> | undefined {
  try {
    const roles: Record<string, readonly string[]> = Object.create(null)
    for (const [group, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
      const names: readonly unknown[] = Array.isArray(value) ? value : [value]
      if (!names.every((name) => typeof name === 'string' && name !== '')) return undefined
      roles[group] = names.map(String)
    }
    return roles
  } catch {
    return undefined
  }
}
