// docs/errors.md, made from the error table and the gateway's statuses.
import { errorCodes, errorTable } from '@reins/contracts'
import { statusOf } from './statuses.ts'

const retries = { never: 'no', now: 'at once', after: 'after a while' } as const

export function errorsDocument(): string {
  const rows = errorCodes.map((code) => {
    const { meaning, next, retry } = errorTable[code]
    return `| \`${code}\` | ${statusOf[code]} | ${meaning} | ${next} | ${retries[retry]} |`
  })
  return [
    '# Errors',
    '',
    'Every answer that is no success has one form, over HTTP, SSE and the WebSocket:',
    '',
    '```json',
    '{"error": {"code": "session_ended", "message": "…", "details": {}, "next": "…"}}',
    '```',
    '',
    '`message` says what happened here; `next` what to do now; `details`, where there are any, which fields or cursors are meant.',
    'The table is made from `libs/contracts/src/errors.ts` and `services/session-gateway/src/doors/http/statuses.ts`; a test keeps it in step.',
    '',
    '| code | HTTP | meaning | what to do | can the same request succeed later? |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
