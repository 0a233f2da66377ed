// The door of @reins/serving: an agent served by a process of its own, over HTTP.
export { apiMode } from './api-mode.ts'
export { chatRoutes, type ChatRoutesOptions, healthRoute } from './chat/chat-routes.ts'
export {
  answer,
  beginTalk,
  decide,
  goOn,
  openSession,
  sayMore,
  type Talk,
  type TalkClient,
} from './conversation/talk.ts'
export { tell, type TellParts, type Told } from './conversation/tell.ts'
export { jsonBody } from './listening/body.ts'
export {
  type Incoming,
  type Listening,
  type ListenOptions,
  listen,
  type Reply,
  type ServedRoute,
} from './listening/listening.ts'
export type { Serving, ServingMode, ServingOptions } from './serving-mode.ts'
