// Tables of the documentation that are made from the schemas: a field or an event that is not described there cannot be forgotten.
import {
  AgentDefinition as AgentDefinitionSchema,
  CodeFile,
  type EventType,
  eventCodec,
  eventSchemas,
  eventTypes,
  maySay,
  roles,
  ToolConfig,
} from '@reins/contracts'
import { toolGroups } from '@reins/tools'

interface Schema {
  /** What is said instead of its fields, where those stand in a table of their own. */
  readonly title?: string
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
  if (schema.title !== undefined) return schema.title
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
  return [
    '# An agent in YAML',
    '',
    'You write an agent as YAML, or as JSON with the same fields. Reins refuses a field that it does not know.',
    '',
    '`npx reins agent apply --file coder.yaml` stores it. The table below is written from the schema in',
    '`libs/contracts/src/agents/definition.ts`.',
    '',
    '| field | form | meaning |',
    '|---|---|---|',
    ...fieldRows(AgentDefinitionSchema as unknown as Schema, () => ''),
    '',
    '## Tools',
    '',
    'An entry of `tools` is the name of a tool or of a group of tools, or a map from one such name to its settings, or a',
    `file entry. The groups are ${toolGroups.map((name) => `\`${name}\``).join(', ')}.`,
    '',
    '| setting | form | meaning |',
    '|---|---|---|',
    ...fieldRows(ToolConfig as unknown as Schema, () => ''),
    '',
    '`virtual_sandbox` is a sandbox in memory, of each session its own: a simulated shell and files that stand in the',
    "session's log ([code-first.md](code-first.md)). There `workspace` is the folder in memory, and `network` means nothing.",
    '',
    '## Files with tools of your own',
    '',
    'A file entry names a TypeScript file with tools that you wrote ([tools.md](tools.md)). `tools_file: ./tools.ts` and',
    '`tools: [{ file: ./tools.ts }]` are the same, and several may stand together.',
    '',
    '| field | form | meaning |',
    '|---|---|---|',
    ...fieldRows(CodeFile as unknown as Schema, () => ''),
    '',
    '[libs/tools](../libs/tools/README.md) describes each tool. The folder [examples](../examples) holds whole agents.',
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
    const v = eventCodec.versionOf(type)
    return `| \`${type}\`${v === 1 ? '' : ` (v ${v})`} | ${cell(fields.join(' · ') || '(nothing)')} | ${who.join(', ')} |`
  }
  return [
    '# Events of a session',
    '',
    'A session is a list of these events. `GET /v1/sessions/:id/events` gives them in the order in which they happened.',
    'Each event is appended by one of the services; an event from a service that may not append it changes nothing.',
    'The table is written from the schemas in `libs/contracts/src/events`.',
    '',
    'A further optional field may be added to any of them, so readers ignore fields that they do not know. A type in another',
    'version than 1 says so in `v`.',
    '',
    '| event | data | appended by |',
    '|---|---|---|',
    ...eventTypes.map(row),
    '',
    'Event streams also carry four items that Reins does not store:',
    '',
    "- `delta` holds the next characters of an answer, of its reasoning, or of a tool's output.",
    '- `answer.restarted` tells a client to discard what it has shown of an answer: the process that wrote the answer is',
    '  gone, and another process starts the answer anew.',
    '- `tool.slow` says that a tool call has shown nothing for a while, since `data.since`. The call goes on.',
    '- `session.queued` says that no executor has a slot for the next model call. The session waits, `data.ahead` others',
    '  before it, and goes on by itself.',
    '',
  ].join('\n')
}
