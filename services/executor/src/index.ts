export { type ExecutorConfig, start } from './service.ts'
export { replayClasses } from './started.ts'
