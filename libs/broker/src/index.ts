export {
  type Broker,
  type BrokerOptions,
  connectBroker,
  type RequestOptions,
  type RequestOutcome,
} from './broker.ts'
export { ensureDurable } from './durables.ts'
export {
  createStreamSubject,
  eraseMessageSubject,
  listConsumersSubject,
  loadStreamSubject,
  purgeStreamSubject,
  saveStreamSubject,
  streamInfoSubject,
  streamNotFound,
} from './jetstream-api.ts'
export { type Listening, type ListenOptions, listen } from './listen.ts'
export { type HeaderOf, headersOf, isPutByBroker, makeHeaders, storedHeadersOf } from './message-headers.ts'
export type { PublishOptions } from './outgoing.ts'
export { type Presence, type PresenceOptions, startPresence } from './presence.ts'
export { isOutOfRoom, isTransient, type PublishError, type PublishReply, publishReply } from './publish-reply.ts'
export { type AckInfo, ackInfo, type Consumption, type PullOptions, pull } from './pull.ts'
export { callService, type Handler, serveRequests } from './requests.ts'
export { brokerServers, serverUrls } from './server-urls.ts'
export { isClosed, SessionsMoving, splitState, streamInfo } from './session-layout.ts'
export { isStoreFull, limitStores, type StoreLimit, storeLimits } from './store-limits.ts'
export {
  type Batch,
  lastMessage,
  messageAt,
  nextMessage,
  nextMessages,
  nextMessagesOrEnd,
  type ReadOptions,
  readMessages,
  type StoredMessage,
  type StreamName,
} from './stored-messages.ts'
export { ObjectGone, type ObjectLimits, objectBytes, type StoredObject, storedObject } from './stored-objects.ts'
export {
  ensureExports,
  ensureTopology,
  findSessionStreams,
  keepLiveStream,
  sessionsTakenFrom,
  type TopologyOptions,
} from './topology.ts'
export { BrokerUnavailable } from './unavailable.ts'
export { isUnanswered, leadersWithinMs, untilAnswered } from './until-answered.ts'
