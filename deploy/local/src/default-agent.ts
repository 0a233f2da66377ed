// The agent that is there from the first start: `reins chat` talks to it. While nobody has changed it, it follows the model that this
// machine has a key for.

import { type Broker, callService } from '@reins/broker'
import {
  type AgentDefinition,
  defaultAgentMaker,
  definitionDigest,
  type PutAgent,
  type PutAgentResult,
  serviceSubject,
} from '@reins/contracts'
import type { RegistryView } from '@reins/journal'

export const defaultAgentName = 'assistant'

export const defaultAgent = (model: string, workspace: string): AgentDefinition => ({
  name: defaultAgentName,
  model,
  description: 'A general assistant that reads and edits files and runs commands in its workspace.',
  system_prompt: [
    'You are a careful assistant with a workspace: a folder whose files you can read, search and edit, and in which you can run commands.',
    'Do what is asked, look before you change something, and say shortly what you did.',
    'Paths are relative to the workspace. Commands run in a sandbox without network.',
  ].join('\n'),
  tools: [{ system_tools: { workspace, timeout: 60 } }],
  // Nobody chose its folder.
  workspace_context: false,
  max_tool_calls: 50,
  max_tokens: 8192,
})

/** Makes or renews it; leaves it alone once a person has changed or deleted it. */
export async function ensureDefaultAgent(
  broker: Broker,
  registry: RegistryView,
  model: string,
  workspace: string,
): Promise<void> {
  const definition = defaultAgent(model, workspace)
  const entry = await registry.agentFresh(defaultAgentName)
  if (entry && (entry.by !== defaultAgentMaker || entry.digest === definitionDigest(definition))) return
  const request: PutAgent = {
    name: defaultAgentName,
    source: { definition },
    condition: entry ? { kind: 'update', digest: entry.digest } : { kind: 'create' },
    by: defaultAgentMaker,
  }
  const reply = await callService<PutAgentResult>(broker, serviceSubject('registry', 'put'), request, 10_000)
  if (!reply.ok && reply.error.code !== 'agent_exists' && reply.error.code !== 'agent_changed')
    throw new Error(
      `Reins could not create its default agent: ${reply.error.message} ${reply.error.next ?? ''}`.trimEnd(),
    )
  if (reply.ok && reply.seq !== undefined) await registry.waitFor(reply.seq, 2000)
}
