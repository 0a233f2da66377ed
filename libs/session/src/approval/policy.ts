// What a call needs before it runs: nobody, a person, or it does not run at all. From what the definition said at the session's start, and
// what the tool says of itself. Pure.
//   PL1. `never` turns tools off, whatever else is said. `autonomous` asks nobody: what must be approved is refused there.
//   PL2. What the definition says of a tool comes before what the tool says; what nothing is said of needs nobody.
//   PL3. A pattern that allows a target speaks for that call, but not where each call must be approved.
import type { ApprovalPolicy, PinnedTool, ToolApprovalRule } from '@reins/contracts'
import { isDelegation } from '../delegation/delegate-tool.ts'
import { memberAsked } from '../delegation/team.ts'
import { mustApprovePlan } from '../planning/planning.ts'
import type { Session } from '../session.ts'
import { matches } from './target.ts'

export type Need =
  | { readonly kind: 'nobody' }
  /** `must`: no grant speaks for the person. `expires`: ms. */
  | { readonly kind: 'person'; readonly must: boolean; readonly why: string; readonly expires: number | undefined }
  | { readonly kind: 'refused'; readonly code: 'tools-off' | 'must-approve'; readonly why: string }

const nobody: Need = { kind: 'nobody' }
const plainPolicy: ApprovalPolicy = { mode: 'default' }

export const pinnedTool = ({ born }: Session, name: string): PinnedTool | undefined =>
  born?.toolset?.find((tool) => tool.name === name)

/** `asked`: what the tool, looking at these arguments, asked for; null: nothing. */
export function needOf(
  session: Session,
  call: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> },
  asked: { readonly reason: string; readonly must?: true } | null,
): Need {
  const policy = session.approvals ?? plainPolicy
  if (policy.mode === 'never') return refused('tools-off', toolsOff)
  const tool = pinnedTool(session, call.name)
  const plan = mustApprovePlan(session, call)
  if (!tool && !plan && !asksAnAgent(session, call)) return nobody
  const rule = tool?.rule ?? ruleFor(policy, call.name)
  if (rule?.approval === 'never')
    return refused('tools-off', `Not run: the definition of this agent turns ${call.name} off (approval: never).`)
  const level = levelOf(policy, rule?.approval, plan ? 'ask' : ownLevel(tool, asked))
  if (level === 'auto') return nobody
  const target = tool?.target
  if (level === 'ask' && target && rule?.allow?.some((pattern) => matches(pattern, target, call.arguments)))
    return nobody
  if (policy.mode === 'autonomous')
    return refused(
      'must-approve',
      `Not run: a person must approve ${call.name}, and this agent runs without one (approval_mode: autonomous). Go on without it, or say what you would have done.`,
    )
  const why = asked?.reason ?? (plan ? planAsked : undefined) ?? whyAsked(policy, rule?.approval, call.name, tool)
  return { kind: 'person', must: level === 'must', why, expires: rule?.expires ?? policy.expires }
}

/** What asks no agent is refused by itself, and waits for nobody. */
const asksAnAgent = (
  session: Session,
  call: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> },
): boolean => isDelegation(session, call) && memberAsked(session.team, call) !== undefined

/** The longest name that fits says most. */
export function ruleFor({ tools = {} }: ApprovalPolicy, name: string): ToolApprovalRule | undefined {
  if (Object.hasOwn(tools, name)) return tools[name]
  const fitting = Object.keys(tools).filter((key) => key.endsWith('*') && name.startsWith(key.slice(0, -1)))
  const [best] = fitting.sort((a, b) => b.length - a.length)
  return best === undefined ? undefined : tools[best]
}

/** PL1, PL2. */
function levelOf(
  { mode }: ApprovalPolicy,
  said: ToolApprovalRule['approval'],
  own: 'auto' | 'ask' | 'must',
): 'auto' | 'ask' | 'must' {
  if (said === 'auto') return 'auto'
  if (said === 'must' || own === 'must') return 'must'
  if (said === 'always') return 'ask'
  if (mode === 'autonomous') return 'auto'
  return mode === 'always' || own === 'ask' ? 'ask' : 'auto'
}

/** What a tool says of all its calls, or of this one. */
function ownLevel(tool: PinnedTool | undefined, asked: { readonly must?: true } | null): 'auto' | 'ask' | 'must' {
  if (tool?.approval === 'must' || asked?.must) return 'must'
  return tool?.approval === 'ask' || asked !== null ? 'ask' : 'auto'
}

function whyAsked(
  { mode }: ApprovalPolicy,
  said: string | undefined,
  name: string,
  tool: PinnedTool | undefined,
): string {
  if (said !== undefined) return `The definition of the agent asks for a person before ${name} runs.`
  if (mode === 'always') return 'The agent asks for a person before every tool call.'
  const server = tool?.source.startsWith('mcp:') ? tool.source.slice('mcp:'.length) : null
  return server === null ? `${name} asks for a person.` : `The MCP server "${server}" calls this tool destructive.`
}

const planAsked = 'A person approves each plan of this agent (approve_plan).'

const refused = (code: 'tools-off' | 'must-approve', why: string): Need => ({ kind: 'refused', code, why })

const toolsOff =
  'Not run: tools are off for this agent (approval_mode: never). Answer without them. Whoever owns the agent can turn them on in its definition.'
