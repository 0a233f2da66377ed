// Which tools a message may have called for its sender: recorded beside the message, so that nobody looks it up later.
import type { SessionEvent } from '@reins/contracts'
import { allowedTo, type Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import { namesOf } from './names.ts'

/** Empty: every tool. Without a message: of whoever begins the session. */
export function permittedTools(caller: Caller, message?: string): readonly SessionEvent[] {
  const tools = namesOf(allowedTo(caller, operations.callTool), 'tool')
  if (tools === undefined) return []
  const data = { principal: caller.principal, tools: [...tools].slice(0, 500) }
  return [{ type: 'tools.permitted', data: message === undefined ? data : { message, ...data } }]
}
