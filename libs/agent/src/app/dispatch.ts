// `dispatch(…)`: gives an agent's instance something to work on, without waiting for its answer.
//   DP1. It resolves when what was given is durable. Work of one session is done in the order in which it was accepted.
//   DP2. The input is taken as it is now: what is no JSON is refused, and what is changed later changes nothing.
//   DP3. In a workflow it is an operation, which is recorded: it happens once, and a replay is given its receipt. Inside of a step, and in
//        a tool, whoever runs the code adds a key, so that an attempt that is repeated repeats no dispatch.
import type { DispatchReceipt, DispatchRequest } from './dispatch-request.ts'
import { hostDoor, projectModules } from './door.ts'

type Given = Omit<DispatchRequest, 'agent'>

/** `agent`: what a module of `agents/` exports by default. Rejects where nothing was accepted. */
export function dispatch(agent: object, request: Given): Promise<DispatchReceipt>
export function dispatch(request: DispatchRequest): Promise<DispatchReceipt>
export async function dispatch(agent: object, given?: Given): Promise<DispatchReceipt> {
  const request = given ?? (agent as DispatchRequest)
  const name = given === undefined ? (request as { readonly agent?: unknown }).agent : nameOf(agent)
  if (typeof name !== 'string' || name === '')
    throw new TypeError('dispatch() needs an agent: dispatch(agent, { id, input }) or dispatch({ agent, id, input }).')
  const { id, session, input, idempotencyKey } = request
  for (const [field, value] of Object.entries({ id, session }))
    if (typeof value === 'string' ? value.trim() === '' : field === 'id' || value !== undefined)
      throw new TypeError(`dispatch() needs ${field} as a text that is not blank.`)
  const fault = jsonFault(input)
  if (fault !== undefined) throw new TypeError(`dispatch() input ${fault}.`)
  const door = hostDoor()
  if (!door)
    throw new Error(
      'dispatch() works in the code of a project that Reins runs. In any other process write createClient(…).dispatch({ agent, id, input }) of @reins/client.',
    )
  const receipt = await door.request('dispatch', { agent: name, id, session, input, idempotencyKey })
  return receipt as DispatchReceipt
}

function nameOf(agent: object): string {
  const found = Object.entries(projectModules()?.agents ?? {}).find(([, { module }]) => module.default === agent)
  if (found) return found[0]
  throw new TypeError(
    "dispatch() was given an agent that no module of agents/ exports by default: export it there, or name it: dispatch({ agent: 'name', … }).",
  )
}

/** Why it is no JSON; undefined: it is. */
function jsonFault(value: unknown, above: readonly unknown[] = []): string | undefined {
  if (value === undefined) return 'is undefined: use null for an intentional empty payload'
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `holds ${value}, which is no JSON`
  if (typeof value !== 'object') return `holds a ${typeof value}, which is no JSON`
  if (above.includes(value)) return 'is circular, which is no JSON'
  const inside = [...above, value]
  if (Array.isArray(value)) return first(value.map((one) => jsonFault(one, inside)))
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype)
    return `holds a ${prototype?.constructor?.name ?? 'value'}, which is no plain object`
  return first(Object.values(value).map((one) => jsonFault(one, inside)))
}

const first = (faults: readonly (string | undefined)[]): string | undefined => faults.find((one) => one !== undefined)
