export {
  type Broker,
  type BrokerOptions,
  connectBroker,
  type RequestOptions,
  type RequestOutcome,
} from './connection/broker.ts'
export { type Listening, type ListenOptions, listen } from './connection/listen.ts'
export { type HeaderOf, headersOf, isPutByBroker, makeHeaders, storedHeadersOf } from './connection/message-headers.ts'
export type { PublishOptions } from './connection/outgoing.ts'
export { type Presence, type PresenceOptions, startPresence } from './connection/presence.ts'
export { callService, type Handler, serveRequests } from './connection/requests.ts'
export { brokerServers, serverUrls } from './connection/server-urls.ts'
export { BrokerUnavailable } from './connection/unavailable.ts'
export { ensureDurable } from './streams/durables.ts'
export {
  createStreamSubject,
  eraseMessageSubject,
  listConsumersSubject,
  loadStreamSubject,
  purgeStreamSubject,
  saveStreamSubject,
  streamInfoSubject,
  streamNotFound,
} from './streams/jetstream-api.ts'
export { sealedSince } from './streams/kept-stores.ts'
export {
  isOutOfRoom,
  isTransient,
  type PublishError,
  type PublishReply,
  publishReply,
} from './streams/publish-reply.ts'
export { type AckInfo, ackInfo, type Consumption, type PullOptions, pull } from './streams/pull.ts'
export { isClosed, SessionsMoving, splitState, streamInfo } from './streams/session-layout.ts'
export { isStoreFull, limitStores, type StoreLimit, storeLimits } from './streams/store-limits.ts'
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
} from './streams/stored-messages.ts'
export {
  ComparedPieces,
  ObjectGone,
  type ObjectLimits,
  objectBytes,
  objectPieceBytes,
  ownerOfPieces,
  type StoredObject,
  storedObject,
  storeObject,
} from './streams/stored-objects.ts'
export {
  ensureExports,
  ensureTopology,
  findSessionStreams,
  keepLiveStream,
  sessionsTakenFrom,
  type TopologyOptions,
} from './streams/topology.ts'
export { isUnanswered, leadersWithinMs, untilAnswered } from './streams/until-answered.ts'
