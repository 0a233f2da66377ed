// Errors as the routes of a project answer with them: one envelope, the gateway's among them.

export function fault(status: number, type: string, message: string, next?: string): Response {
  const error = { type, code: type, message, details: '', ...(next === undefined ? {} : { next }) }
  return Response.json({ error }, { status })
}
