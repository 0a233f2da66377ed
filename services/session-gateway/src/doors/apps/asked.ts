// What a host asks the gateway for on behalf of one request, checked: it is the word of the project's code.
//   AS1. Code of a project reaches agents and workflows of its own project, and nothing else.
//   AS2. Whoever the middleware names stands behind the project's own name: no code can write as a person of Reins.
import { isMapping, type ProjectEntry, ReinsError, runAgent, segmentOf } from '@reins/contracts'
import { Type, type Static } from 'typebox'
import type { Caller } from '../../api/caller.ts'
import { checker } from '../http/check.ts'
import { parseJson } from '../http/json.ts'

const text = (maxLength: number) => Type.String({ maxLength })
const texts = Type.Record(Type.String(), Type.String())

const Asked = Type.Object({
  kind: text(40),
  name: text(200),
  id: Type.Optional(text(2000)),
  method: text(20),
  url: text(8000),
  /** Of what begins a run: all of it. Absent from builds of before there was this. */
  sent: Type.Optional(Type.Object({ url: Type.String(), headers: texts })),
  query: texts,
  headers: texts,
  body: Type.String(),
  principal: Type.Optional(text(200)),
})
export type Asked = Static<typeof Asked>
export const readAsked = (value: unknown): Asked => asked.parse(value)
const asked = checker(Asked, 'request of the app')

const maxInstance = 128

/** F60: any text but a blank one, as long as a name may be. Throws invalid_request. */
export function instanceOf(id: string | undefined): string {
  const given = id ?? ''
  if (given.trim() === '') throw new ReinsError('invalid_request', 'The id of the agent is blank.')
  if (given.length > maxInstance)
    throw new ReinsError(
      'invalid_request',
      `The id of the agent has ${given.length} characters; at most ${maxInstance} are allowed.`,
    )
  return given
}

/** Throws invalid_request: blank, or reserved. */
export function sessionNameOf(session: unknown): string | undefined {
  if (session === undefined) return undefined
  if (typeof session !== 'string' || session.trim() === '')
    throw new ReinsError('invalid_request', 'The body is not valid: session: must be a text that is not blank.')
  if (session.startsWith('task:'))
    throw new ReinsError('invalid_request', 'The body is not valid: session: names that begin with task: are reserved.')
  if (session.length > maxInstance)
    throw new ReinsError('invalid_request', `The body is not valid: session: is longer than ${maxInstance} characters.`)
  return session
}

/** What a message is on condition of: `null` that there is no session yet, a text that it is the one with this uid. */
export type Condition = string | null | undefined

/** Throws invalid_request. */
export function conditionOf(uid: unknown): Condition {
  if (uid === undefined || uid === null) return uid
  if (typeof uid === 'string' && uid.trim() !== '') return uid
  throw new ReinsError('invalid_request', 'The body is not valid: uid: must be a text that is not blank, or null.')
}

/** Nothing deletes a session, so an instance has one for each name, for ever. */
export const uidOf = (session: string): string => `inst_${session}`

/** Throws invalid_json, invalid_request, unsupported_media_type. Empty: `{}`. */
export function bodyOf({ body, headers }: Asked): Record<string, unknown> {
  if (body === '') return {}
  const type = headers['content-type'] ?? 'application/json'
  if (!/^application\/(?:[\w.+-]*\+)?json\s*(?:;|$)/i.test(type))
    throw new ReinsError('unsupported_media_type', `The body is ${type.slice(0, 100)}, and must be application/json.`)
  const value = parseJson(body, 'body')
  if (!isMapping(value)) throw new ReinsError('invalid_request', 'The body is not valid: it must be a JSON object.')
  return value
}

/** AS1, AS2. */
export function appCaller({ name, manifest }: ProjectEntry, named: string | undefined): Caller {
  if (named !== undefined && !/^[\w.@:+-]{1,100}$/.test(named))
    throw new ReinsError(
      'invalid_request',
      'The principal that the middleware named is no name: letters, digits, . @ : + - _',
    )
  const principal = named === undefined ? `app:${name}` : `app:${name}/${named}`
  const own = manifest.agents.flatMap((agent) => {
    const as = segmentOf(agent.name)
    return [`agent:${as}:start`, `session:${as}:read`, `session:${as}:cancel`]
  })
  const runs = manifest.workflows.flatMap((workflow) => {
    const as = segmentOf(workflow.name)
    const session = `session:${segmentOf(runAgent(workflow.name))}`
    return [`workflow:${as}:run`, `workflow:${as}:read`, `${session}:read`, `${session}:cancel`]
  })
  return {
    ...{ principal, kind: 'service', by: principal, roles: [] },
    permissions: [...own, ...runs, 'workflow:agents:agent_chat:run', 'workflow:agents:agent_chat:task:*:execute'],
  }
}
