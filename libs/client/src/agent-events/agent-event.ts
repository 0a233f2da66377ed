// What an agent does, for whoever shows it: the kinds of event of api mode and of the web page, and their form on the wire.
//   AE1. On the wire an event is a JSON object whose `type` is its kind; `chat_response` is called `response` there.
//   AE2. What is of no known kind, or lacks a field of its kind, is nothing: a newer server may say more than this client knows.
import { finite, type Form, optional, record, text } from '../answers.ts'

/** Of a session below the one that is talked to; absent: of that one itself. */
interface Of {
  readonly session?: string
}

export interface ElicitationAsked extends Of {
  readonly kind: 'elicitation'
  readonly elicitation_id: string
  /** The page to open, with mode `url`. */
  readonly url?: string
  readonly message: string
  readonly server_name: string
  readonly mode: 'url' | 'form'
  /** JSON Schema of the fields, with mode `form`. */
  readonly schema?: Readonly<Record<string, unknown>>
}

export interface ApprovalAsked extends Of {
  readonly kind: 'approval'
  readonly call_id: string
  /** The tool. */
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  /** Why a person is asked. */
  readonly reason?: string
  /** epoch ms */
  readonly expires_at?: number
}

export type SessionEndReason = 'max_turns' | 'user_exit' | 'error'

export type AgentEvent =
  | { readonly kind: 'session_id'; readonly id: string }
  | { readonly kind: 'token'; readonly text: string }
  | { readonly kind: 'tool_start'; readonly name: string; readonly args: Readonly<Record<string, unknown>> }
  | { readonly kind: 'tool_done'; readonly name: string; readonly status: 'success' | 'error' }
  /** `turn` counts from 1. */
  | { readonly kind: 'chat_response'; readonly content: string; readonly turn: number }
  | ElicitationAsked
  | ApprovalAsked
  | { readonly kind: 'session_end'; readonly reason: SessionEndReason; readonly turns: number }
  /** The turn failed, or nobody can say how it goes on; the session lives. */
  | { readonly kind: 'error'; readonly message: string; readonly session?: string; readonly status?: string }

export type AgentEventKind = AgentEvent['kind']

/** After one of these nothing follows until the person, or the program, says something. */
export const isLastEvent = ({ kind }: AgentEvent): boolean =>
  kind !== 'session_id' && kind !== 'token' && kind !== 'tool_start' && kind !== 'tool_done'

/** AE1. */
export function frameOf(event: AgentEvent): Readonly<Record<string, unknown>> {
  const { kind, ...fields } = event
  return { type: kind === 'chat_response' ? 'response' : kind, ...fields }
}

const fieldsOf: Readonly<Record<AgentEventKind, Form>> = {
  session_id: record({ id: text }),
  token: record({ text }),
  tool_start: record({ name: text, args: record({}) }),
  tool_done: record({ name: text, status: text }),
  chat_response: record({ content: text, turn: finite }),
  elicitation: record({ elicitation_id: text, url: optional(text), message: text, server_name: text, mode: text }),
  approval: record({ call_id: text, name: text, args: record({}), reason: optional(text) }),
  session_end: record({ reason: text, turns: finite }),
  error: record({ message: text }),
}

/** AE1, AE2. */
export function eventOfFrame(frame: unknown): AgentEvent | undefined {
  if (typeof frame !== 'object' || frame === null || !('type' in frame)) return undefined
  const { type, ...fields } = frame
  const kind = type === 'response' ? 'chat_response' : type
  if (typeof kind !== 'string' || !Object.hasOwn(fieldsOf, kind)) return undefined
  if (fieldsOf[kind as AgentEventKind](fields, '') !== undefined) return undefined
  return { kind, ...fields } as AgentEvent
}
