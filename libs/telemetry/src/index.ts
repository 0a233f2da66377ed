export { createLog, type Log, type LogLevel, silentLog } from './log.ts'
export { Metrics } from './metrics.ts'
