export { type ExecutorConfig, start } from './service.ts'
// For the benchmarks: how long a session takes to be known again.
export { loadFold, writeSnapshot } from './session/snapshots.ts'
