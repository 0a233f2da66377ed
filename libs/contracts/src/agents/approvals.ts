// What a definition says about calls that wait for a person.
import { Type } from 'typebox'

const closed = { additionalProperties: false } as const

/** The words of `approval_mode`, for one tool. */
export const approvalWords = Type.Union(
  [Type.Literal('auto'), Type.Literal('always'), Type.Literal('must'), Type.Literal('never')],
  {
    description:
      'auto: nobody is asked. always: a person approves each call, or grants the next ones. must: a person approves each call, and no grant speaks for them. never: the tool is off',
  },
)

export const Duration = Type.String({
  pattern: '^[1-9][0-9]{0,4}(s|m|h|d)$',
  description:
    'How long a call waits for a person before it expires: 90s, 30m, 12h, 7d. Default: until somebody decides',
})

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** ms of what the schema takes. */
export function durationMs(text: string): number {
  const unit = text.at(-1)
  return Number.parseInt(text, 10) * (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd' ? units[unit] : 0)
}

export const Approvals = Type.Object(
  {
    expires: Type.Optional(Duration),
    quorum: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, description: 'How many people have to approve a call. Default 1' }),
    ),
    exclude_requester: Type.Optional(
      Type.Boolean({ description: 'Whoever sent the message may not decide about its calls. Default false' }),
    ),
    tools: Type.Optional(
      Type.Record(Type.String(), approvalWords, {
        description: 'By name of a tool, from wherever it comes; * at the end stands for any rest: mcp__github__*',
      }),
    ),
  },
  { ...closed, description: 'How calls wait for people: expires, quorum, exclude_requester, and tools by name' },
)
