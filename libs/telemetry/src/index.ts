export { type LabelOf, metricCatalogue, type MetricEntry, type MetricName } from './catalogue.ts'
export { createLog, type Log, type LogLevel, type ProcessLog, silentLog } from './log.ts'
export { bounded, Metrics } from './metrics.ts'
