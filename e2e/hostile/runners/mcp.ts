// Servers that do what a case says, over HTTP on this machine, and what an agent makes of them. Closed with the case.
import type { McpServer } from '@reins/contracts'
import { type Mask, maskedAnswer } from '@reins/mcp'
import { createRedactor } from '@reins/secrets'
import { noValues, runCall } from '@reins/tools'
import { namesOf, notesOf, reasonOf } from '../../../libs/mcp/test/calls.ts'
import { definition, serversOf } from '../../../libs/mcp/test/ends.ts'
import { type Does, oddServer } from '../../../libs/mcp/test/odd-http.ts'
import type { Misbehaviour } from '../cases/servers/misbehaviour.ts'
import type { SchemaInput } from '../cases/servers/schemas.ts'
import type { NamedTool } from '../cases/servers/tool-names.ts'
import { canary } from '../corpus.ts'
import { told } from './builtin-tools.ts'

interface Used {
  /** What the server is to an agent: its tools, what is said of them, or why it has none. */
  discovered(): Promise<{ readonly names: readonly string[]; readonly text: string; readonly listed: string }>
  call(name: string, args: unknown): Promise<string>
}

/** `does`: by method. */
async function withServer<Answer>(
  does: Readonly<Record<string, Does>>,
  change: Partial<McpServer>,
  use: (used: Used) => Promise<Answer>,
  other?: Parameters<typeof oddServer>[1],
): Promise<Answer> {
  const server = await oddServer(does, other)
  const entry = { name: 'odd', url: server.url, connect_timeout: 40, timeout: 20, ...change } as McpServer
  const { servers, asked } = serversOf(definition(entry), { TOKEN: canary })
  try {
    return await use({
      discovered: async () => {
        const answer = (await servers.discover(asked, {})).map((one) => maskedAnswer(one, mask))[0]
        const names = namesOf(answer)
        const text = answer?.status === 'ready' ? notesOf(answer) : `unavailable: ${reasonOf(answer)}`
        const listed =
          answer?.status === 'ready' ? JSON.stringify((answer.tools ?? []).map(({ tool: _, ...told }) => told)) : ''
        return { names, text, listed }
      },
      call: async (name, args) => {
        const known = servers.serverOf(asked.definition, name)
        if (!known) return 'no server'
        const tools = await servers.tools(known, asked)
        if (tools.kind === 'unavailable') return told(tools.outcome)
        const context = {
          ...noValues,
          ...{ signal: new AbortController().signal, session: 's', idempotencyKey: 'k', progress: () => {} },
          keep: async () => ({ ref: 'kept', dropped: 0 }),
          secrets: asked.secret,
        }
        return told(await runCall(tools.tools, { name, arguments: args, definition: asked.definition }, context))
      },
    })
  } finally {
    await servers.close()
    await server.close()
  }
}

const lists =
  (...tools: readonly unknown[]): Does =>
  ({ result }) =>
    result({ tools })

export const trySchema = ({ schema, args }: SchemaInput): Promise<string> =>
  withServer({ 'tools/list': lists({ name: 'go', inputSchema: schema }) }, {}, async ({ discovered, call }) => {
    const { names, text } = await discovered()
    const [name] = names
    if (name === undefined) return text.startsWith('unavailable') ? text : `left out: ${text}`
    return `ready: ${await call(name, args)}`
  })

export const tryNamed = (tool: NamedTool): Promise<string> =>
  withServer(
    { 'tools/list': lists({ inputSchema: { type: 'object' }, ...tool }) },
    {},
    async ({ discovered, call }) => {
      const { names, text, listed } = await discovered()
      const [name] = names
      const answer = name === undefined ? '' : `${listed} ${await call(name, {})}`
      return text.startsWith('unavailable') ? text : `ready: ${name ?? ''} ${answer} ${text}`
    },
  )

/** As a tool-runner does with all that comes from a server. */
const redactor = createRedactor([canary])
const mask: Mask = (value) => redactor.json(value)

export const tryMisbehaviour = ({ does, other, change = {} }: Misbehaviour): Promise<string> =>
  withServer(
    does,
    change,
    async ({ discovered, call }) => {
      const { names, text } = await discovered()
      const [name] = names
      if (name === undefined) return redactor.text(text.startsWith('unavailable') ? text : `ready: no tools. ${text}`)
      return redactor.text(`ready: ${name} ${await call(name, {})} ${text}`)
    },
    other,
  )
