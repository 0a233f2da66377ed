// What the commands need of a client: `createClient` of @reins/client gives one, tests give another.
import type { Client } from '@reins/client'

export type { ConnectionItem, FollowItem, MemoryAt } from '@reins/client'

export interface ReinsClient
  extends Pick<
    Client,
    | 'access'
    | 'agents'
    | 'signIn'
    | 'approvals'
    | 'elicitations'
    | 'secrets'
    | 'configs'
    | 'webhooks'
    | 'memory'
    | 'pools'
    | 'projects'
    | 'runs'
    | 'usage'
  > {
  readonly sessions: Omit<Client['sessions'], 'createAndWait' | 'sendAndWait' | 'forkAndWait'>
}

/** What can be asked of a session besides messages. */
export type ControlVerb = 'cancel' | 'pause' | 'resume' | 'release' | 'end' | 'compact' | 'restore'
