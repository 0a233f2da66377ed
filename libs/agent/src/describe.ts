// What there is to tell of a tool, as JSON; or what is wrong with it, all at once. Pure but for the schema's own library.
import { isMapping, type JsonSchema } from './json-schema.ts'
import { jsonSchemaOf } from './parameters.ts'
import type { Approval, Replay, Risk, ToolOptions } from './tool.ts'

/** Plain JSON. Times in seconds; what is absent was not said. */
export interface ToolFacts {
  readonly name: string
  readonly description: string
  readonly parameters: JsonSchema
  readonly output?: JsonSchema
  readonly risk: Risk
  readonly replay: Replay
  readonly timeout?: number
  readonly slow_after?: number
  readonly secret_requests?: readonly string[]
  readonly config_requests?: readonly string[]
  /** `by-arguments`: a function of the tool decides. */
  readonly approval?: Approval | 'by-arguments'
}

export type ToolDescription =
  | { readonly kind: 'tool'; readonly tool: ToolFacts }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

const risks: readonly unknown[] = ['read', 'write', 'exec', 'external'] satisfies Risk[]
const replays: readonly unknown[] = ['safe', 'never'] satisfies Replay[]
const approvals: readonly unknown[] = ['auto', 'ask', 'must'] satisfies Approval[]
const fields = [
  ...['name', 'description', 'parameters', 'execute', 'output', 'risk', 'replay', 'timeout', 'slow_after'],
  ...['secret_requests', 'config_requests', 'approval'],
]
const longestSeconds = 86_400
const mostNames = 50

/** `exported`: the name of its export, which is its name where it says none. */
export async function describe(options: Partial<ToolOptions>, exported: string): Promise<ToolDescription> {
  const problems: string[] = []
  const { description, risk = 'external', timeout, slow_after, secret_requests, config_requests, approval } = options
  const name = options.name ?? exported
  const replay = options.replay ?? (risk === 'read' ? 'safe' : 'never')
  const mixed = Object.keys(options).filter((field) => field === 'input' || field === 'run')
  if (mixed.length > 0)
    problems.push(
      `has "${mixed.join('" and "')}" beside "parameters" or "execute", or without the other: write either input and run, or parameters and execute`,
    )
  const unknown = Object.keys(options).filter(
    (field) => !fields.includes(field) && field !== 'input' && field !== 'run',
  )
  for (const field of unknown) problems.push(`has no field "${field}"; there are: ${fields.join(', ')}`)
  if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(name))
    problems.push(
      `the name ${shown(name)} must be 1 to 64 letters, digits, "_" or "-"; give the tool one by its field "name"`,
    )
  else if (name === 'default') problems.push('is a default export, so it needs a field "name"')
  if (typeof description !== 'string' || description.trim() === '')
    problems.push('needs a "description": it is what the model reads to decide when to use the tool')
  else if (description.length > 8_000)
    problems.push(`the description has ${description.length} characters; 8000 at most`)
  if (typeof options.execute !== 'function') problems.push('needs "execute", the function that runs a call')
  if (!risks.includes(risk)) problems.push(`"risk" must be one of ${risks.join(', ')}; not ${shown(risk)}`)
  if (!replays.includes(replay)) problems.push(`"replay" must be safe or never; not ${shown(replay)}`)
  for (const [field, value] of Object.entries({ timeout, slow_after }))
    if (value !== undefined && !(typeof value === 'number' && value > 0 && value <= longestSeconds))
      problems.push(`"${field}" must be a number of seconds above 0 and at most ${longestSeconds}; not ${shown(value)}`)
  for (const [field, value] of Object.entries({ secret_requests, config_requests }))
    if (value !== undefined && !isNames(value))
      problems.push(`"${field}" must be a list of at most ${mostNames} names; not ${shown(value)}`)
  if (approval !== undefined && typeof approval !== 'function' && !approvals.includes(approval))
    problems.push(`"approval" must be auto, ask, must, or a function of the arguments; not ${shown(approval)}`)
  const parameters = schemaIn('parameters', options.parameters, problems)
  const output = options.output === undefined ? undefined : schemaIn('output', options.output, problems)
  if (parameters !== undefined && parameters.type !== 'object')
    problems.push(`"parameters" must be the schema of an object ("type": "object"), since arguments have names`)
  if (problems.length > 0 || parameters === undefined) return { kind: 'problems', problems }
  return {
    kind: 'tool',
    tool: {
      ...{ name, description: (description ?? '').trim(), parameters, risk, replay },
      ...(output === undefined ? {} : { output }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(slow_after === undefined ? {} : { slow_after }),
      ...(secret_requests === undefined ? {} : { secret_requests: [...secret_requests] }),
      ...(config_requests === undefined ? {} : { config_requests: [...config_requests] }),
      ...(approval === undefined ? {} : { approval: typeof approval === 'function' ? 'by-arguments' : approval }),
    },
  }
}

const mostSchemaChars = 64 * 1024

function schemaIn(field: string, schema: unknown, problems: string[]): JsonSchema | undefined {
  if (schema === undefined) {
    problems.push(`needs "${field}", the schema of its arguments; Type.Object({}) where it has none`)
    return undefined
  }
  try {
    const json = jsonSchemaOf(schema)
    const { length } = JSON.stringify(json)
    if (length <= mostSchemaChars) return json
    problems.push(`"${field}" has ${length} characters as JSON Schema; ${mostSchemaChars} at most`)
  } catch (error) {
    problems.push(`"${field}" ${error instanceof Error ? error.message : 'gives no JSON Schema'}`)
  }
  return undefined
}

const isNames = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length <= mostNames &&
  value.every((name) => typeof name === 'string' && name !== '' && name.length <= 128)

function shown(value: unknown): string {
  const text = isMapping(value) ? 'an object' : typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
