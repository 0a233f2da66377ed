export { createLog, type Log, type LogLevel, type ProcessLog, silentLog } from './log.ts'
export { Metrics } from './metrics.ts'
export { createRedactor, nothingToRedact, type Redactor } from './redact.ts'
