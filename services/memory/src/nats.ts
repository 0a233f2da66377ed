// Memory's requests: decode, call, encode. What each one takes and gives stands in contracts (api.ts).

import { type Broker, type Handler, serveRequests } from '@reins/broker'
import {
  type AskUsage,
  approvalStates,
  elicitationStates,
  type Erasable,
  formOf,
  type ListWaiting,
  type ListSessions,
  Only,
  ReinsError,
  statuses,
  usageGroups,
  type ServiceVerb,
} from '@reins/contracts'
import type { Log } from '@reins/telemetry'
import type { Memories } from './entries/memories.ts'
import { memoryRequests } from './entries/requests.ts'
import type { SessionIndex } from './index/session-index.ts'
import type { SessionLists, TreeRequest } from './index/session-lists.ts'
import type { RunningWebhooks } from './webhooks/webhooks.ts'

export interface ServeOptions {
  readonly broker: Broker
  readonly lists: SessionLists
  /** undefined: there is no database. */
  readonly index: SessionIndex | undefined
  readonly webhooks: Pick<RunningWebhooks, 'test' | 'deliveries'>
  readonly memories: Memories
  readonly erasable: (session: string) => Promise<Erasable>
  readonly log: Log
}

/** The caller closes it. */
export function serveMemory({ broker, lists, index, webhooks, memories, erasable, log }: ServeOptions): {
  close(): void
} {
  return serveRequests(
    broker,
    'memory',
    {
      ...memoryRequests(memories),
      'sessions.list': async (request) => ({ value: await lists.list(listRequest(request)) }),
      'sessions.tree': async (request) => ({ value: await lists.tree(treeRequest(request)) }),
      'sessions.erasable': async (request) => ({
        value: await erasable(fieldsOf(request, ['session']).optionalText('session') ?? ''),
      }),
      'approvals.list': async (request) => ({ value: await lists.approvals(approvalsRequest(request)) }),
      'elicitations.list': async (request) => ({ value: await lists.elicitations(elicitationsRequest(request)) }),
      'usage.report': async (request) => ({ value: await lists.usage(usageRequest(request)) }),
      rebuild: async (request) => {
        fieldsOf(request, [])
        return { value: rebuildable(index).rebuild() }
      },
      'rebuild.progress': async (request) => {
        fieldsOf(request, [])
        return { value: rebuildable(index).progress() }
      },
      'webhooks.test': async (request) => ({
        value: { delivery: await webhooks.test(fieldsOf(request, ['id']).optionalText('id') ?? '') },
      }),
      'webhooks.deliveries': async (request) => {
        const fields = fieldsOf(request, ['id', 'only', 'limit'])
        const limit = fields.count('limit', 1000)
        const only = fields.names('only')
        if (only === undefined)
          return { value: { deliveries: await webhooks.deliveries(fields.optionalText('id'), limit) } }
        const each = await Promise.all(only.map((id) => webhooks.deliveries(id, limit)))
        const latest = each.flat().toSorted((a, b) => b.last.at - a.last.at)
        return { value: { deliveries: latest.slice(0, limit) } }
      },
    } satisfies Readonly<Record<ServiceVerb<'memory'>, Handler>>,
    (verb, error) =>
      log.error({ verb, err: error instanceof Error ? error.message : String(error) }, 'a request failed'),
  )
}

function rebuildable(index: SessionIndex | undefined): SessionIndex {
  if (!index)
    throw new ReinsError('unavailable', 'There is no index: no database is configured.', {
      next: 'Set DATABASE_URL for the memory service, and restart it.',
    })
  const state = index.state()
  if (index.progress().kind !== 'running' && state.kind === 'waiting')
    throw new ReinsError('unavailable', `The index cannot be rebuilt now: ${state.why}.`, {
      next: 'Wait until Postgres is back, and repeat the request.',
    })
  return index
}

export function listRequest(request: unknown): ListSessions {
  const fields = fieldsOf(request, ['agent', 'kind', 'status', 'tree', 'erased', 'only', 'limit', 'after'])
  const kind = fields.optionalText('kind')
  const agent = fields.optionalText('agent')
  const tree = fields.optionalText('tree')
  const status = fields.optionalText('status')
  const after = fields.optionalText('after')
  if (status !== undefined && !statuses.some((known) => known === status))
    throw new ReinsError('invalid_request', `"status" must be one of ${statuses.join(', ')}.`)
  return {
    limit: fields.count('limit', 1000),
    ...fields.only(),
    ...(agent === undefined ? {} : { agent }),
    ...(kind === 'run' ? { kind } : {}),
    ...(fields.optionalText('erased') === 'true' ? { erased: true as const } : {}),
    ...(status === undefined ? {} : { status }),
    ...(tree === undefined ? {} : { tree }),
    ...(after === undefined ? {} : { after }),
  }
}

export function treeRequest(request: unknown): TreeRequest {
  const fields = fieldsOf(request, ['root', 'limit', 'after'])
  const root = fields.optionalText('root')
  const after = fields.optionalText('after')
  if (root === undefined) throw new ReinsError('invalid_request', '"root" is missing: the id of the root of the tree.')
  return { root, limit: fields.count('limit', 1000), ...(after === undefined ? {} : { after }) }
}

export function usageRequest(request: unknown): AskUsage {
  const fields = fieldsOf(request, ['by', 'since', 'until', 'agent', 'principal', 'tree', 'only', 'limit'])
  const by = usageGroups.find((group) => group === fields.optionalText('by'))
  if (!by) throw new ReinsError('invalid_request', `"by" must be one of ${usageGroups.join(', ')}.`)
  const [agent, principal, tree] = ['agent', 'principal', 'tree'].map((name) => fields.optionalText(name))
  const [since, until] = ['since', 'until'].map((name) => fields.optionalTime(name))
  return {
    by,
    limit: fields.count('limit', 1000),
    ...fields.only(),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(agent === undefined ? {} : { agent }),
    ...(principal === undefined ? {} : { principal }),
    ...(tree === undefined ? {} : { tree }),
  }
}

export const approvalsRequest = (request: unknown): ListWaiting => waitsRequest(request, approvalStates)
export const elicitationsRequest = (request: unknown): ListWaiting => waitsRequest(request, elicitationStates)

function waitsRequest(request: unknown, states: readonly string[]): ListWaiting {
  const fields = fieldsOf(request, ['agent', 'state', 'session', 'tree', 'only', 'limit', 'after'])
  const agent = fields.optionalText('agent')
  const state = fields.optionalText('state')
  const session = fields.optionalText('session')
  const tree = fields.optionalText('tree')
  const after = fields.optionalText('after')
  if (state !== undefined && !states.includes(state))
    throw new ReinsError('invalid_request', `"state" must be one of ${states.join(', ')}.`)
  return {
    limit: fields.count('limit', 1000),
    ...fields.only(),
    ...(agent === undefined ? {} : { agent }),
    ...(state === undefined ? {} : { state }),
    ...(session === undefined ? {} : { session }),
    ...(tree === undefined ? {} : { tree }),
    ...(after === undefined ? {} : { after }),
  }
}

const isOnly = formOf(Only)

function fieldsOf(request: unknown, names: readonly string[]) {
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    throw new ReinsError('invalid_request', 'The request must be an object.')
  const fields = new Map<string, unknown>(Object.entries(request))
  for (const name of fields.keys())
    if (!names.includes(name))
      throw new ReinsError(
        'invalid_request',
        `Unknown field "${name.slice(0, 64)}"; valid: ${names.join(', ') || 'none'}.`,
      )
  const optionalText = (name: string): string | undefined => {
    const value = fields.get(name)
    if (value === undefined || (typeof value === 'string' && value.length <= 512)) return value
    throw new ReinsError('invalid_request', `"${name}" must be a text of at most 512 characters.`)
  }
  return {
    optionalText,
    names: (name: string): readonly string[] | undefined => {
      const value = fields.get(name)
      if (value === undefined) return undefined
      if (Array.isArray(value) && value.length <= 100 && value.every((one) => typeof one === 'string')) return value
      throw new ReinsError('invalid_request', `"${name}" must be a list of names.`)
    },
    only: (): { readonly only?: Only } => {
      const value = fields.get('only')
      if (value === undefined) return {}
      if (isOnly(value)) return { only: value }
      throw new ReinsError('invalid_request', '"only" is not valid.')
    },
    optionalTime: (name: string): number | undefined => {
      const value = fields.get(name)
      if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)) return value
      throw new ReinsError('invalid_request', `"${name}" must be a time in epoch ms.`)
    },
    count: (name: string, most: number): number => {
      const value = fields.get(name)
      if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value
      throw new ReinsError('invalid_request', `"${name}" must be a whole number from 1 to ${most}.`)
    },
  }
}
