export { createLog, type Log, type LogLevel, type ProcessLog, silentLog } from './log.ts'
export { Metrics } from './metrics.ts'
