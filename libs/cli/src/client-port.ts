// What the commands need of a client: @reins/client's `createClient` gives one, tests give another.
import type {
  Agent,
  AgentDefinition,
  ApiEvent,
  ControlAccepted,
  CreatedSession,
  CreateSession,
  Health,
  MessageAccepted,
  PoolInfo,
  PutCondition,
  SendMessage,
  SessionInfo,
  SessionList,
  SessionState,
  StreamItem,
} from '@reins/contracts'

/** `lost`: the stream broke and is tried again, from its cursor; `back`: it goes on. */
export interface ConnectionItem {
  readonly type: 'connection'
  readonly state: 'lost' | 'back'
}
export type FollowItem = StreamItem | ConnectionItem

export interface FollowOptions {
  readonly after?: string
  readonly deltas?: boolean
  readonly tree?: boolean
  readonly signal?: AbortSignal
}

/** A write that is repeated with its key happens once. */
export interface WriteOptions {
  readonly idempotencyKey?: string
}

export interface ReinsClient {
  readonly agents: {
    put(
      name: string,
      source: { readonly definition: AgentDefinition } | { readonly yaml: string },
      condition: PutCondition,
    ): Promise<{ readonly agent: Agent; readonly outcome: 'created' | 'updated' | 'unchanged' }>
    get(name: string): Promise<Agent>
    list(): Promise<readonly Agent[]>
    delete(name: string): Promise<void>
  }
  readonly sessions: {
    create(body: CreateSession, options?: WriteOptions): Promise<CreatedSession>
    list(query: { agent?: string; status?: string; limit?: number; after?: string }): Promise<SessionList>
    get(id: string): Promise<SessionInfo>
    state(id: string, at?: string): Promise<SessionState>
    send(id: string, body: SendMessage, options?: WriteOptions): Promise<MessageAccepted>
    events(
      id: string,
      query: { after?: string; limit?: number; tree?: boolean },
    ): Promise<{ readonly events: readonly ApiEvent[]; readonly cursor: string; readonly more: boolean }>
    follow(id: string, options: FollowOptions): AsyncIterable<FollowItem>
  } & Readonly<Record<ControlVerb, (id: string) => Promise<ControlAccepted>>>
  pools(): Promise<readonly PoolInfo[]>
  health(): Promise<Health>
}

export type ControlVerb = 'cancel' | 'pause' | 'resume' | 'release' | 'end'
