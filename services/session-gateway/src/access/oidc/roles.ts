// What the claims of a token mean here: who it is, what people call them, and which roles they have. Pure.
//   OR1. Who somebody is follows from issuer and subject alone: names and addresses can change, and be taken by others. A subject that
//        a principal's name cannot hold as it is stands there as its hash, in a form that no subject has by itself.
//   OR2. The name is shown beside it. It holds nothing that could be read as the identity of somebody else.
import { createHash } from 'node:crypto'
import type { OidcSettings } from './settings.ts'

export interface Person {
  /** OR1: `login.example.com:248289761001` */
  readonly principal: string
  /** OR2; '' where no claim has one. */
  readonly name: string
  readonly roles: readonly string[]
}

type Claims = Readonly<Record<string, unknown>>
const maxGroups = 1000
const maxNameChars = 64

export function personOf(claims: Claims, subject: string, settings: OidcSettings): Person {
  const granted = groupsIn(claims, settings.rolesClaim).flatMap((group) => settings.roles[group] ?? [])
  const roles = [...new Set([...settings.defaultRoles, ...granted])]
  return { principal: principalOf(settings.issuer, subject), name: nameIn(claims, settings.nameClaims), roles }
}

export const principalOf = (issuer: string, subject: string): string => {
  const asItIs = /^[a-z0-9._@+-]{1,128}$/.test(subject) && !subject.startsWith('sha-')
  return `${issuerName(issuer)}:${asItIs ? subject : `sha-${hashOf(subject).slice(0, 32)}`}`
}

/** Its host, where that is all that there is to it. */
function issuerName(issuer: string): string {
  const { hostname, host, pathname, protocol } = new URL(issuer)
  const short = hostname.replaceAll(/[^a-z0-9.-]/g, '')
  const plain = protocol === 'https:' && host === short && pathname === '/' && short.length <= 50
  return plain ? short : `${short.slice(0, 50)}-${hashOf(issuer).slice(0, 12)}`
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** An address that the issuer itself calls unverified names nobody. */
function nameIn(claims: Claims, names: readonly string[]): string {
  for (const name of names) {
    const value = claims[name]
    if (typeof value !== 'string' || (name === 'email' && claims.email_verified === false)) continue
    const clean = value
      .normalize('NFKC')
      .replaceAll(/[^\p{L}\p{N}@._+' -]/gu, '')
      .replaceAll(/\s+/g, ' ')
      .trim()
    if (clean !== '') return clean.slice(0, maxNameChars).toWellFormed()
  }
  return ''
}

/** A claim of this name, or along its dots: `realm_access.roles`. A text is one group, or several with blanks between them. */
function groupsIn(claims: Claims, claim: string): readonly string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : along(claims, claim.split('.'))
  if (typeof value === 'string') return [...new Set([value, ...value.split(' ')])].slice(0, maxGroups)
  if (!Array.isArray(value)) return []
  return value.filter((one) => typeof one === 'string').slice(0, maxGroups)
}

function along(value: unknown, path: readonly string[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = Reflect.get(at, name)
  }
  return at
}
