// docs/errors.md, made from the error table and the gateway's statuses.
import { errorCodes, errorTable } from '@reins/contracts'
import { statusOf } from '../statuses.ts'

const retries = { never: 'no', now: 'at once', after: 'after a while' } as const

export function errorsDocument(): string {
  const rows = errorCodes.map((code) => {
    const { meaning, next, retry } = errorTable[code]
    return `| \`${code}\` | ${statusOf[code]} | ${meaning} | ${next} | ${retries[retry]} |`
  })
  return [
    '# Errors',
    '',
    'Reins reports every error in one form, over HTTP, SSE and the WebSocket:',
    '',
    '```json',
    '{"error": {"code": "session_ended", "message": "…", "details": {}, "next": "…"}}',
    '```',
    '',
    '`code` is one of the codes below. `message` says what happened, and why. `next` says what you can do now. Some errors',
    'carry `details`, which name the fields or cursors that are meant.',
    '',
    'The table is written from `libs/contracts/src/errors.ts` and',
    '`services/session-gateway/src/doors/http/statuses.ts`; a test keeps it in step.',
    '',
    '| code | HTTP | meaning | what to do | can the same request succeed later? |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
