// Tables of the documentation that are made from the schemas: a field or an event that is not described there cannot be forgotten.
import {
  type AgentDefinition,
  AgentDefinition as AgentDefinitionSchema,
  type EventType,
  eventSchemas,
  eventTypes,
  laterFields,
  maySay,
  roles,
  ToolConfig,
} from '@reins/contracts'

interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
}

/** A schema in a few words. */
export function words(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.anyOf) return schema.anyOf.map(words).join(' or ')
  if (schema.type === 'array') return `list of ${words(schema.items ?? {})}`
  if (schema.patternProperties) return 'map'
  if (schema.properties)
    return `{ ${Object.entries(schema.properties)
      .map(([name, member]) => `${name}${schema.required?.includes(name) ? '' : '?'}: ${words(member)}`)
      .join(', ')} }`
  const range = [
    ...(schema.minimum === undefined ? [] : [`from ${schema.minimum}`]),
    ...(schema.maximum === undefined ? [] : [`to ${schema.maximum}`]),
  ]
  return [schema.type ?? 'anything', ...range].join(' ')
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

function fieldRows(schema: Schema, note: (name: string) => string): string[] {
  return Object.entries(schema.properties ?? {}).map(
    ([name, field]) =>
      `| \`${name}\`${schema.required?.includes(name) ? ' (required)' : ''} | ${cell(words(field))} | ${cell([field.description ?? '', note(name)].filter(Boolean).join(' '))} |`,
  )
}

export function agentDocument(): string {
  const later = (name: string): string => {
    const field = laterFields[name as keyof AgentDefinition]
    return field ? `Understood, and refused for now (${field.feature}).` : ''
  }
  return [
    '# An agent in YAML',
    '',
    'Unknown fields are errors. JSON with the same fields is taken too. Made from the schema in `libs/contracts/src/definition.ts`.',
    '',
    '| field | form | meaning |',
    '|---|---|---|',
    ...fieldRows(AgentDefinitionSchema as unknown as Schema, later),
    '',
    '## Tools',
    '',
    'An entry of `tools` is the name of a tool or of a group (`system_tools`, `shell`, `files`, `search`, `directory`), or a map from such a name to its settings:',
    '',
    '| setting | form | meaning |',
    '|---|---|---|',
    ...fieldRows(ToolConfig as unknown as Schema, () => ''),
    '',
    'The tools themselves are in [libs/tools](../libs/tools/README.md). Examples are in [examples](../examples).',
    '',
  ].join('\n')
}

const roleNames = { g: 'gateway', e: 'executor', t: 'tool-runner', m: 'memory' } as const

export function eventsDocument(): string {
  const row = (type: EventType): string => {
    const schema = eventSchemas[type] as unknown as Schema
    const fields = Object.entries(schema.properties ?? {}).map(
      ([name, field]) => `${name}${schema.required?.includes(name) ? '' : '?'}: ${words(field)}`,
    )
    const who = roles.filter((role) => maySay(role, type)).map((role) => roleNames[role])
    return `| \`${type}\` | ${cell(fields.join(' · ') || '(nothing)')} | ${who.join(', ')} |`
  }
  return [
    '# Events of a session',
    '',
    'What `GET /v1/sessions/:id/events` shows, in the order in which it happened. An event said by a role that may not say it changes nothing.',
    'Made from the schemas in `libs/contracts/src/events-*.ts`.',
    '',
    '| event | data | said by |',
    '|---|---|---|',
    ...eventTypes.map(row),
    '',
    "Streams also carry `delta` (characters of an answer, or of a tool's output, as they come) and `answer.restarted` (what was shown of an answer is void: its process is gone, and it starts anew). Neither is in the log.",
    '',
  ].join('\n')
}
