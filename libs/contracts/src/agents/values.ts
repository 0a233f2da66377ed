// Secrets and configs: what REG keeps of them, what people see of them, and what services ask each other about them.
//   VA1. The value of a secret goes one way: from the person to the registry, and from there to the process that uses it, sealed for that
//        process alone. No record, list or answer of the API holds it.
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

export const maxSecretBytes = 16 * 1024
/** As JSON. */
export const maxConfigBytes = 64 * 1024
/** Shorter secrets cannot be told from ordinary text: Reins masks them only where they stand alone. */
export const anywhereMaskedChars = 6

export const SecretName = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
  description: 'Letters, digits, underscores, dots and hyphens, at most 128 characters: GITHUB_TOKEN',
})
export const ConfigName = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
  description: 'Letters, digits, underscores, dots and hyphens, at most 128 characters: logging.level',
})
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/
export const isValueName = (name: string): boolean => name.length <= 128 && namePattern.test(name)

const stamps = { createdAt: Type.Integer(), updatedAt: Type.Integer(), by: Type.String() }
const removed = Type.Object({ kind: Type.Literal('removed'), name: Type.String(), ...stamps }, closed)

/** `reg.secret.<name>`. `key`, `wrapped`, `sealed`: as libs/secrets makes them. */
export const SecretEntry = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('kept'),
      name: Type.String(),
      key: Type.String(),
      wrapped: Type.String(),
      sealed: Type.String(),
      ...stamps,
    },
    closed,
  ),
  removed,
])
export type SecretEntry = Static<typeof SecretEntry>

/** `reg.config.<name>` */
export const ConfigEntry = Type.Union([
  Type.Object({ kind: Type.Literal('kept'), name: Type.String(), value: Type.Unknown(), ...stamps }, closed),
  removed,
])
export type ConfigEntry = Static<typeof ConfigEntry>

/** A secret as people see it: everything but its value. */
export const SecretInfo = Type.Object({ name: Type.String(), ...stamps }, closed)
export type SecretInfo = Static<typeof SecretInfo>
export const Config = Type.Object(
  { name: Type.String(), value: Type.Unknown({ description: 'Any JSON value' }), ...stamps },
  closed,
)
export type Config = Static<typeof Config>

const Outcome = Type.Union([Type.Literal('created'), Type.Literal('updated')])
export const SecretAnswer = Type.Object({ secret: SecretInfo, outcome: Outcome }, closed)
export type SecretAnswer = Static<typeof SecretAnswer>
export const SecretList = Type.Object({ secrets: Type.Array(SecretInfo), next: Type.Optional(Type.String()) }, closed)
export type SecretList = Static<typeof SecretList>
/** A value of another form is refused without being repeated. */
export const PutSecret = Type.Object(
  { value: Type.Unsafe<string>({ type: 'string', minLength: 1, description: `At most ${maxSecretBytes} bytes` }) },
  closed,
)
export const ConfigAnswer = Type.Object({ config: Config, outcome: Outcome }, closed)
export type ConfigAnswer = Static<typeof ConfigAnswer>
export const ConfigList = Type.Object({ configs: Type.Array(Config), next: Type.Optional(Type.String()) }, closed)
export type ConfigList = Static<typeof ConfigList>
export const PutConfig = Type.Object({ value: Type.Unknown({ description: 'Any JSON value but null' }) }, closed)

export const KeyRotation = Type.Object(
  {
    /** `rotated`: there is a new key. `finished`: a rotation that was begun before is done. `kept`: nothing was to be done. */
    outcome: Type.Union([Type.Literal('rotated'), Type.Literal('finished'), Type.Literal('kept')]),
    /** The id of the key that wraps all secrets now. */
    key: Type.String(),
    rewrapped: Type.Integer(),
    /** What the operator has to do now; absent: nothing. */
    next: Type.Optional(Type.String()),
  },
  closed,
)
export type KeyRotation = Static<typeof KeyRotation>

/**
 * Requests on `svc.registry.<verb>`; the reply is a `Reply`.
 *   secrets.put    { name, value, by } -> SecretAnswer         secrets.get    { name } -> SecretInfo
 *   secrets.delete { name, by } -> { name }                    secrets.list   { limit, after? } -> SecretList
 *   secrets.rotate { by } -> KeyRotation
 *   configs.put    { name, value, by } -> ConfigAnswer         configs.delete { name, by } -> { name }
 *   configs.list   { limit, after? } -> ConfigList
 * and on a subject of its own, which only a tool-runner, memory and an executor may publish to:
 *   secrets.resolve { names, digest, to } -> ResolvedSecrets
 */
export interface ResolveSecrets {
  readonly names: readonly string[]
  /** The version of the agent for which they are resolved: it must name each of them. */
  readonly digest: string
  /** The key of the process that asks, made for this one answer. */
  readonly to: string
}
export interface ResolvedSecrets {
  /** A JSON object by name, sealed for `to`. */
  readonly values: { readonly from: string; readonly box: string }
  readonly missing: readonly string[]
}
