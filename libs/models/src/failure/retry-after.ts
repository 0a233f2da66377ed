// How long a provider asks to wait: by headers, or in its text. Pure; a date counts from the answer's own Date header: no clock is
// needed, or trusted.
import type { ReplyHeaders } from '../http/exchange.ts'

export function retryAfter(headers: ReplyHeaders | undefined): number | undefined {
  if (!headers) return undefined
  const inMs = header(headers, 'retry-after-ms')
  if (inMs !== undefined && Number.isFinite(Number(inMs))) return Math.max(0, Math.ceil(Number(inMs)))
  const value = header(headers, 'retry-after')
  if (value === undefined) return undefined
  if (Number.isFinite(Number(value))) return Math.max(0, Math.ceil(Number(value) * 1000))
  const units = durationOf(value)
  if (units !== undefined) return units
  // Without a letter it is no date, whatever a lenient parser makes of it.
  if (!/[a-z]/i.test(value)) return undefined
  const wait = Date.parse(value) - Date.parse(header(headers, 'date') ?? '')
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined
}

/** `try again in 20s`, `retry after 1.5 seconds`, `Please retry in 6m23.4s`. */
export function waitIn(text: string): number | undefined {
  const asked =
    /(?:try|retry|retrying|available|reset|resets|wait|waiting)(?:[ _-](?:again|your request|it))?[ _-]?(?:in|after|for)?:? (?:about |at least |another )?((?:\d+(?:\.\d+)?\s*(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)\b[ ,]*(?:and )?)+)/i.exec(
      text.replace(/(\d)([hms])(?=\d)/gi, '$1$2 '),
    )
  return asked?.[1] === undefined ? undefined : durationOf(asked[1])
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const part = /(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)(?![a-z])/gi

/** undefined: the text holds other letters than those of units. */
function durationOf(text: string): number | undefined {
  if (/[a-z]/i.test(text.replace(part, '').replace(/\band\b/gi, ''))) return undefined
  let total: number | undefined
  for (const [, count, unit = ''] of text.matchAll(part)) {
    const name = unit.toLowerCase()
    total = (total ?? 0) + Number(count) * (name.startsWith('mil') || name === 'ms' ? 1 : (unitMs[name[0] ?? ''] ?? 0))
  }
  return total === undefined ? undefined : Math.ceil(total)
}

export function header(headers: ReplyHeaders, name: string): string | undefined {
  const value = headers[name]
  const text = (Array.isArray(value) ? value[0] : value)?.trim()
  return text === '' ? undefined : text
}
