export { type AgentNow, agentsNow } from './agents-now.ts'
export {
  AppendWatch,
  type AppendWatchOptions,
  type CanaryOutcome,
  type Obstacle,
  watchedLog,
} from './append-watch.ts'
export { isUnreadable } from './archive/archive-reads.ts'
export { type Archivist, createArchivist } from './archive/archivist.ts'
export { outputsWithRoom, type Room, snapshotsWithRoom, timersWithRoom } from './disk-room.ts'
export { type FindAgentOptions, type FoundAgent, findAgent, type PinnedAgent } from './find-agent.ts'
export {
  type Followed,
  type FollowHandlers,
  type Following,
  type FollowOptions,
  follow,
} from './follow.ts'
export { asPrefix, type ForkPoint, inSource, maxForkDepth, placeBefore } from './fork-reads.ts'
export {
  decodeEntry,
  encodeEntry,
  type IdempotencyCreated,
  type IdempotencyEntry,
  type IdempotencyStore,
} from './idempotency.ts'
export { appendCanary } from './jetstream/canary.ts'
export { idempotencyTtlMs, openIdempotency } from './jetstream/idempotency.ts'
export { type Journal, type JournalOptions, openJournal } from './jetstream/journal.ts'
export { createJetStreamLog } from './jetstream/log.ts'
export { keepImages, NoRoomForImages } from './keep-images.ts'
export {
  createMemoryJournal,
  type MemoryFaults,
  type MemoryJournal,
  type MemoryJournalOptions,
} from './memory/journal.ts'
export { MemoryStream, type StoredFrame } from './memory/stream.ts'
export type {
  AppendOutcome,
  BundleStore,
  HeldTrigger,
  KeptOutput,
  LiveDelta,
  OutputStore,
  PoolBacklog,
  RepublishedFrame,
  SessionFeed,
  SessionFrame,
  SessionLog,
  Snapshot,
  Snapshots,
  Subscription,
  Timers,
  TreeReadOptions,
  Trigger,
  WorkQueue,
} from './port.ts'
export {
  believedOf,
  isBelieved,
  isForged,
  readSealedMark,
  registryIdHeader,
  resealedPrefix,
  sealedMarkSubject,
  sealOfRecord,
  sealStateOf,
  standingOf,
} from './registry-seals.ts'
export {
  type CodeModule,
  parseAgent,
  parseBundle,
  parsePrincipal,
  parseProject,
  parseRole,
  parseToken,
  parseVersion,
  type RegistryFault,
  type RegistryRecord,
  type RegistryView,
  readRecord,
  readRegistry,
  watchRegistry,
} from './registry-view.ts'
