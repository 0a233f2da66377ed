// What of the gateway's API the page may ask, with the operator's token: a list, and nothing beside it.
//   FW1. A path is matched as it was sent. Nothing is decoded, so nothing can be hidden in an encoding.

const id = String.raw`[\w-]{1,128}`
/** A reference, or the id of a call, which may have dots in it: never a path of dots alone. */
const output = String.raw`\w[\w.:-]{0,199}`
const table: readonly (readonly [method: 'GET' | 'POST', path: string])[] = [
  ['GET', '/v1/sessions'],
  ['POST', '/v1/sessions'],
  ['GET', `/v1/sessions/${id}`],
  ['GET', `/v1/sessions/${id}/events`],
  ['GET', `/v1/sessions/${id}/outputs/${output}`],
  ['POST', `/v1/sessions/${id}/messages`],
  ['POST', `/v1/sessions/${id}/(?:cancel|pause|resume|release|end|compact|restore|budget|fork)`],
  ['POST', `/v1/sessions/${id}/approvals/${id}`],
  ['POST', `/v1/sessions/${id}/elicitations/${id}`],
]
const rows = table.map(([method, path]) => ({ method, path: new RegExp(`^${path}$`) }))

export const isForwarded = (method: string, path: string): boolean =>
  rows.some((row) => row.method === method && row.path.test(path))
