// What code may pause with, and what is wrong with anything else.

export type PauseRead =
  | { readonly kind: 'pause'; readonly output: Readonly<Record<string, unknown>> }
  | { readonly kind: 'wrong'; readonly message: string }

const forms = `Pause with one of these:
  { content: "a text for the person, or null", turn: 1 }                                     // ChatResponseOutput
  { reason: "max_turns" | "user_exit" | "error", turns: 1 }                                  // SessionEndOutput
  { type: "elicitation", mode: "url", elicitation_id, url, message, server_name }            // ElicitationOutput; may have expires_in`

/** The longest that a question may wait: as a sleep. */
const mostQuestionSeconds = 366 * 86_400
const reasons: readonly unknown[] = ['max_turns', 'user_exit', 'error']
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isText = (value: unknown, most: number): boolean =>
  typeof value === 'string' && value !== '' && value.length <= most

export function readPause(value: unknown): PauseRead {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return wrong(`it was given ${value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value}`)
  const given = value as Readonly<Record<string, unknown>>
  switch (given.type ?? (Object.hasOwn(given, 'reason') ? 'session_end' : 'chat_response')) {
    case 'chat_response': {
      const { content, turn } = given
      if (content !== null && typeof content !== 'string') return wrong('"content" must be a text, or null')
      if (!isCount(turn)) return wrong('"turn" must be a whole number from 0 on')
      return { kind: 'pause', output: { type: 'chat_response', content, turn } }
    }
    case 'session_end': {
      const { reason, turns } = given
      if (!reasons.includes(reason)) return wrong('"reason" must be max_turns, user_exit or error')
      if (!isCount(turns)) return wrong('"turns" must be a whole number from 0 on')
      return { kind: 'pause', output: { type: 'session_end', reason, turns } }
    }
    case 'elicitation': {
      const { mode = 'url', elicitation_id, url, message, server_name, expires_in } = given
      if (mode !== 'url') return wrong('"mode" must be url')
      if (!isText(elicitation_id, 128)) return wrong('"elicitation_id" must be a text of 1 to 128 characters')
      if (!isText(url, 8_000) || !/^https?:\/\//i.test(String(url)))
        return wrong('"url" must be an http or https address')
      if (!isText(message, 2_000)) return wrong('"message" must be a text of 1 to 2000 characters')
      if (!isText(server_name, 128)) return wrong('"server_name" must be a text of 1 to 128 characters')
      const seconds = Number(expires_in ?? 1)
      if ((expires_in !== undefined && !isCount(expires_in)) || seconds < 1 || seconds > mostQuestionSeconds)
        return wrong(`"expires_in" must be a whole number of seconds, from 1 to ${mostQuestionSeconds}`)
      const within = expires_in === undefined ? {} : { expires_in }
      return {
        kind: 'pause',
        output: { type: 'elicitation', mode, elicitation_id, url, message, server_name, ...within },
      }
    }
    default:
      return wrong(`"type" is ${JSON.stringify(given.type)?.slice(0, 60)}, which no pause has`)
  }
}

const wrong = (why: string): PauseRead => ({ kind: 'wrong', message: `ctx.pause() cannot show this: ${why}. ${forms}` })
