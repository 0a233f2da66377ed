// The door of @reins/web: web mode, the chat page of an agent and the server of its own that gives it out.
export { pageOf } from './page-build.ts'
export { webMode } from './web-mode.ts'
