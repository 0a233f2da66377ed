// `ctx.req`: the HTTP request that began the run, as long as its gateway has it.
//   RE1. Where a request began the run, outside of steps the code sees one in each replay, so what follows from its being there stays the
//        same. Once it is gone its use throws: code that went on without it would have decided otherwise before.
//   RE2. In a step it is undefined once it is gone: what a step gives back is recorded.
import type { RunInput } from '../../messages.ts'
import { OperationError } from './replay.ts'

type Given = NonNullable<NonNullable<RunInput['workflow']>['request']>

const goneText =
  'The HTTP request that began this run is gone: the gateway that took it has ended, or has kept it for as long as it does. Read ctx.req in a step, whose value is recorded: const user = await ctx.step("request", () => ctx.req?.headers.get("x-user") ?? null)'

/** Made once for each replay, so its body is read once. */
export function requestReader(given: Given | undefined, inStep: () => boolean): () => Request | undefined {
  let made: Request | undefined
  return () => {
    if (!given || (given.kind === 'gone' && inStep())) return undefined
    made ??= given.kind === 'gone' ? goneRequest() : requestOf(given.request)
    return made
  }
}

function requestOf({ method, url, headers, body }: Extract<Given, { kind: 'held' }>['request']): Request {
  const usable = new Headers()
  for (const [name, value] of Object.entries(headers))
    try {
      usable.append(name, value)
    } catch {} // Node's server takes some that no Headers does
  const without = method === 'GET' || method === 'HEAD' || body === ''
  return new Request(url, { method, headers: usable, ...(without ? {} : { body }) })
}

/** RE1. */
const goneRequest = (): Request =>
  new Proxy(Object.create(Request.prototype) as Request, {
    get: (_target, name) => {
      // Whoever waits for it, or prints it, does not use it.
      if (typeof name === 'symbol' || name === 'then') return undefined
      throw new OperationError({ code: 'request-gone', message: goneText })
    },
  })
