// The roles that are there without anybody having made them, and what permissions of older tokens stand for. Pure.
//   RO1. A built-in role has its name for itself: nobody makes, changes or deletes a role of that name.
//   RO2. A permission of before (sessions:read …) goes on to mean what it meant: it is read as those that came after it.
import { covers } from './permissions.ts'

/** A chat counts as the workflow agents/agent_chat. */
export const chatRun = 'workflow:agents:agent_chat:run'

export interface BuiltinRole {
  readonly name: string
  readonly description: string
  readonly permissions: readonly string[]
}

export const builtinRoles: readonly BuiltinRole[] = [
  { name: 'admin', description: 'Everything', permissions: ['*'] },
  {
    name: 'operator',
    description: 'Makes agents, also with code of their own, runs them and answers for them',
    permissions: [
      ...['agent:*:*', 'config:*:read', 'config:*:manage', 'workflow:*', 'execution:*', 'schedule:*'],
      ...['session:*', 'approval:*', 'memory:*', 'secret:*:read', 'secret:use:*', 'budget:raise'],
      ...['usage:*', 'webhook:*:read', 'pools:read', 'metrics:read'],
    ],
  },
  { name: 'viewer', description: 'Looks at agents and configs', permissions: ['agent:*:read', 'config:*:read'] },
]

export const builtinRole = (name: string): BuiltinRole | undefined => builtinRoles.find((role) => role.name === name)

/** RO2. */
export const formerPermissions: Readonly<Record<string, readonly string[]>> = {
  'agents:read': ['agent:*:read'],
  'agents:write': ['agent:*:create', 'agent:*:update', 'agent:*:delete', 'secret:use:*'],
  'sessions:read': ['session:*:read'],
  'sessions:write': [
    ...['agent:*:start', chatRun, 'workflow:agents:agent_chat:task:*:execute'],
    ...['session:*:cancel', 'session:*:fork'],
  ],
  'approvals:read': ['approval:*:*:read'],
  'approvals:decide': ['approval:*:*'],
  'usage:read': ['usage:*:read'],
}

/** RO2: with what the former ones among them stand for. */
export function withFormer(granted: readonly string[]): readonly string[] {
  if (granted.includes('*')) return ['*']
  const meant = Object.entries(formerPermissions).flatMap(([former, now]) =>
    granted.some((grant) => covers(grant, former)) ? now : [],
  )
  return meant.length === 0 ? granted : [...new Set([...granted, ...meant])]
}
