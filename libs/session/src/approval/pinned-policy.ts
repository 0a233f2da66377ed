// What a session's start says about approvals: as the definition has it, and only where something of it may wait or be refused, so that
// all other sessions stay every process's to decide on.
import {
  type AgentDefinition,
  type ApprovalPolicy,
  durationMs,
  type EventOf,
  type PinnedTool,
  type ToolApprovalRule,
} from '@reins/contracts'
import { ruleFor } from './policy.ts'

/** null: nothing waits. `requesters`: of a child, who began the turn above. */
export function pinnedPolicy(
  definition: AgentDefinition,
  toolset: readonly PinnedTool[],
  requesters: readonly string[] = [],
): EventOf<'approvals.pinned'> | null {
  const { approval_mode: mode = 'default', approvals } = definition
  const said = toolset.some(({ approval, rule, looks }) => approval !== undefined || rule !== undefined || looks)
  if (mode === 'default' && !approvals && !said) return null
  const { expires, quorum, exclude_requester: exclude, tools } = approvals ?? {}
  const data: ApprovalPolicy = {
    mode,
    ...(expires === undefined ? {} : { expires: durationMs(expires) }),
    ...(quorum === undefined || quorum < 2 ? {} : { quorum }),
    ...(exclude ? { excludeRequester: true as const } : {}),
    ...(tools === undefined ? {} : { tools: Object.fromEntries(Object.entries(tools).map(ruleEntry)) }),
    ...(exclude && requesters.length > 0 ? { requesters: [...requesters] } : {}),
  }
  return { type: 'approvals.pinned', data }
}

const ruleEntry = ([name, approval]: [string, NonNullable<ToolApprovalRule['approval']>]) =>
  [name, { approval }] as const

/** Whether the definition turns the tool off: then it is not offered to the model. `rule`: what stands with the tool. */
export function isTurnedOff(
  { approval_mode: mode, approvals }: AgentDefinition,
  { name, rule }: Pick<PinnedTool, 'name' | 'rule'>,
): boolean {
  if (mode === 'never') return true
  const tools = Object.fromEntries(Object.entries(approvals?.tools ?? {}).map(ruleEntry))
  return (rule ?? ruleFor({ mode: 'default', tools }, name))?.approval === 'never'
}
