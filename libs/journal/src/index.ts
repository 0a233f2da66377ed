export {
  type Broker,
  type BrokerOptions,
  connectBroker,
  makeHeaders,
  type RequestOptions,
  type RequestOutcome,
} from './broker.ts'
export {
  type Followed,
  type FollowHandlers,
  type Following,
  type FollowOptions,
  follow,
  readTree,
  type SessionFrame,
} from './follow.ts'
export { type Journal, type JournalOptions, openJournal } from './jetstream.ts'
export {
  type IdempotencyEntry,
  type IdempotencyStore,
  idempotencyTtlMs,
  openIdempotency,
} from './jetstream-idempotency.ts'
export { readMessages } from './jetstream-messages.ts'
export { createMemoryJournal, type MemoryFaults, type MemoryJournal, type MemoryJournalOptions } from './memory.ts'
export { MemoryStream, type StoredFrame } from './memory-stream.ts'
export {
  type AppendOutcome,
  type BlobStore,
  type Consumption,
  JournalUnavailable,
  type LiveDelta,
  type PoolBacklog,
  type ReadOptions,
  type RepublishedFrame,
  type SessionFeed,
  type SessionLog,
  type Snapshot,
  type Snapshots,
  type Subscription,
  type Timers,
  type Trigger,
  type WorkQueue,
} from './port.ts'
export { type Presence, type PresenceOptions, startPresence } from './presence.ts'
export {
  parseAgent,
  parseToken,
  parseVersion,
  type RegistryFault,
  type RegistryRecord,
  type RegistryView,
  readRegistry,
  registryIdHeader,
  type WatchedKind,
  watchRegistry,
} from './registry-view.ts'
export { callService, type Handler, serveRequests } from './requests.ts'
export { ServedPools, type ServingOptions } from './served-pools.ts'
export { ensureTopology, type TopologyOptions } from './topology.ts'
