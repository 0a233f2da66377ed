// Servers of a definition, and their tools called as a tool-runner does.
import type { McpServer, ServerAnswer } from '@reins/contracts'
import { type AskPerson, runCall, type ToolOutcome } from '@reins/tools'
import { onTestFinished } from 'vitest'
import type { McpServers } from '../src/mcp-servers.ts'
import { definition, options, serversOf } from './ends.ts'

/** The span of every call. */
export const calledIn = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

export interface Used {
  readonly servers: McpServers
  readonly asked: ReturnType<typeof serversOf>['asked']
  readonly progress: string[]
  /** What was handed over to be kept. */
  readonly kept: Buffer[]
  discover(known?: Readonly<Record<string, string>>): Promise<readonly ServerAnswer[]>
  call(name: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<ToolOutcome>
}

/** Closed when the test, or whatever `whenDone` says, ends. */
export function use(
  given: readonly McpServer[],
  secrets: Readonly<Record<string, string>> = {},
  whenDone: (close: () => Promise<void>) => void = onTestFinished,
  {
    elicit,
    now,
    memoryBytes,
  }: { readonly elicit?: AskPerson; readonly now?: () => number; readonly memoryBytes?: number } = {},
): Used {
  const change = {
    asksPeople: elicit !== undefined,
    ...(now ? { now } : {}),
    ...(memoryBytes === undefined ? {} : { sandbox: { ...options().sandbox, memoryBytes } }),
  }
  const { servers, asked } = serversOf(definition(...given), secrets, change)
  whenDone(() => servers.close())
  const progress: string[] = []
  const kept: Buffer[] = []
  return {
    servers,
    asked,
    progress,
    kept,
    discover: (known = {}) => servers.discover(asked, known),
    call: async (name, args = {}, signal = new AbortController().signal) => {
      const server = servers.serverOf(asked.definition, name)
      if (!server) throw new Error(`no server of ${name}`)
      const tools = await servers.tools(server, asked)
      if (tools.kind === 'unavailable') return tools.outcome
      return runCall(
        tools.tools,
        { name, arguments: args, definition: asked.definition },
        {
          signal,
          session: 's',
          idempotencyKey: 'k',
          traceparent: calledIn,
          progress: (text) => progress.push(text),
          keep: async (output) => {
            kept.push(Buffer.from(output as Uint8Array))
            return { ref: `kept-${kept.length}`, dropped: 0 }
          },
          secrets: asked.secret,
          configs: async () => null,
          ...(elicit ? { elicit } : {}),
        },
      )
    },
  }
}

export const reasonOf = (answer: ServerAnswer | undefined): string =>
  answer?.status === 'unavailable' ? answer.reason : ''
export const namesOf = (answer: ServerAnswer | undefined): readonly string[] =>
  answer?.status === 'ready' ? (answer.tools ?? []).map(({ name }) => name) : []
export const notesOf = (answer: ServerAnswer | undefined): string =>
  answer?.status === 'ready' ? (answer.notes ?? []).join('\n') : ''
