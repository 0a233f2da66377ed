// The tools of one server as an agent gets them: chosen, named, checked. Pure.
//   L1. One tool that cannot be used leaves only itself out, and a note says so.
//   L2. What a server says of its tools (read only, idempotent) is believed for ordering and repeating, for nothing else.
//   L3. A tool of which its server says that it is destructive asks a person. Not saying it is no promise, and asks nobody: most servers
//       say nothing of their tools. Who says both that it only reads and that it destroys is believed the second.
import { createHash } from 'node:crypto'
import {
  canonicalJson,
  type ReplayClass,
  type ResolvedMcpServer,
  type ServerTool,
  type ToolRisk,
} from '@reins/contracts'
import { neutral, oneLine } from './foreign-text.ts'
import { limits } from './limits.ts'
import { isAllowed, toolName } from './tool-names.ts'
import { isObject, usableSchema } from './tool-schema.ts'

/** A tool that can be called, with what the model is not told. */
export interface ListedTool extends ServerTool {
  readonly outputSchema?: Readonly<Record<string, unknown>>
}

export interface Listed {
  readonly tools: readonly ListedTool[]
  /** For people: what was left out or changed. */
  readonly notes: readonly string[]
  readonly digest: string
}

export interface Offered {
  readonly tools: readonly unknown[]
  readonly resources: boolean
  readonly prompts: boolean
}

export function listedTools(server: Pick<ResolvedMcpServer, 'name' | 'allow' | 'deny'>, offered: Offered): Listed {
  const tools = new Map<string, ListedTool>()
  const notes: string[] = []
  const seen = new Set<string>()
  let chars = 0
  const add = (tool: ListedTool, called: string): void => {
    const size = JSON.stringify(tool).length
    if (tools.size >= limits.tools)
      notes.push(`${called} was left out: at most ${limits.tools} tools of a server are taken.`)
    else if (chars + size > limits.toolsChars)
      notes.push(
        `${called} was left out: all tools together are described in more than ${limits.toolsChars} characters.`,
      )
    else if (tools.has(tool.name)) notes.push(`${called} was left out: another tool has its name.`)
    else {
      chars += size
      tools.set(tool.name, tool)
    }
  }
  for (const given of offered.tools) {
    const name = isObject(given) && typeof given.name === 'string' ? given.name : ''
    if (!isObject(given) || name.trim() === '') {
      notes.push('A tool without a name was left out.')
      continue
    }
    const called = `"${oneLine(name, 80)}"`
    if (!isAllowed(server, name)) continue
    if (seen.has(name)) {
      notes.push(`${called} stands twice in the list; the first one is used.`)
      continue
    }
    seen.add(name)
    const schema = usableSchema(given.inputSchema)
    if (schema.kind === 'unusable') {
      notes.push(`${called} was left out: ${schema.why}.`)
      continue
    }
    add(toolOf(server.name, name, given, schema.schema), called)
  }
  for (const tool of ownTools(server.name, offered))
    if (isAllowed(server, tool.name.slice(`mcp__${server.name}__`.length))) add(tool, tool.name)
  const all = [...tools.values()]
  return { tools: all, notes: notes.slice(0, 50), digest: digestOf(all.map(({ digest, name }) => [name, digest])) }
}

const digestOf = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16)

function toolOf(
  server: string,
  tool: string,
  given: Record<string, unknown>,
  parameters: Record<string, unknown>,
): ListedTool {
  const annotations = isObject(given.annotations) ? given.annotations : {}
  const title =
    typeof given.title === 'string' ? given.title : typeof annotations.title === 'string' ? annotations.title : ''
  const text = typeof given.description === 'string' && given.description.trim() !== '' ? given.description : title
  const description = `${oneLine(`(MCP server ${server})`)} ${neutral(text, limits.descriptionChars).trim() || oneLine(tool, 80)}`
  const output = usableOutput(given.outputSchema)
  return pinned({
    name: toolName(server, tool),
    tool,
    description,
    parameters,
    ...classesOf(annotations),
    ...(output === null ? {} : { outputSchema: output }),
  })
}

/** L2, L3. */
export function classesOf(annotations: Readonly<Record<string, unknown>>): {
  readonly replay: ReplayClass
  readonly risk: ToolRisk
  readonly approval?: 'ask'
} {
  const destroys = annotations.destructiveHint === true
  const readOnly = annotations.readOnlyHint === true && !destroys
  return {
    replay: readOnly || annotations.idempotentHint === true ? 'safe' : 'never',
    risk: readOnly ? 'read' : annotations.destructiveHint === false ? 'write' : 'external',
    ...(destroys ? { approval: 'ask' } : {}),
  }
}

const pinned = (tool: Omit<ListedTool, 'digest'>): ListedTool => {
  const { name, description, parameters, replay, risk, approval } = tool
  const said = { name, description, parameters, replay, risk, ...(approval === undefined ? {} : { approval }) }
  return { ...tool, digest: digestOf(said) }
}

/** As it is: results are checked by it, no provider gets it. */
function usableOutput(given: unknown): Record<string, unknown> | null {
  const usable = given === undefined ? null : usableSchema(given)
  return usable?.kind === 'usable' && isObject(given) ? given : null
}

/** What Reins answers with the resources and prompts of a server. */
function ownTools(server: string, { resources, prompts }: Offered): readonly ListedTool[] {
  const own = (name: string, description: string, properties: Record<string, unknown>, required: readonly string[]) =>
    pinned({
      name: toolName(server, name),
      description: `(MCP server ${server}) ${description}`,
      parameters: { type: 'object', properties, ...(required.length > 0 ? { required: [...required] } : {}) },
      replay: 'safe',
      risk: 'read',
    })
  const text = (description: string) => ({ type: 'string', description })
  return [
    ...(resources
      ? [
          own('list_resources', 'Lists the resources that the server has, and templates of further ones.', {}, []),
          own('read_resource', 'Reads one resource of the server.', { uri: text('As list_resources gives it') }, [
            'uri',
          ]),
        ]
      : []),
    ...(prompts
      ? [
          own('list_prompts', 'Lists the prompts that the server has, with their arguments.', {}, []),
          own(
            'get_prompt',
            'Gets one prompt of the server, filled in with arguments.',
            {
              name: text('As list_prompts gives it'),
              arguments: {
                type: 'object',
                properties: {},
                additionalProperties: { type: 'string' },
                description: 'By name',
              },
            },
            ['name'],
          ),
        ]
      : []),
  ]
}

/** How a tool is called by name, where it is none of the server's own. */
export const ownTool = (server: string, name: string): string | null => {
  const own = ['list_resources', 'read_resource', 'list_prompts', 'get_prompt']
  return own.find((one) => toolName(server, one) === name) ?? null
}
