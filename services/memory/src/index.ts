// The door of memory.
export { loadConfig, type MemoryEnvironment } from './config.ts'
export { type MemoryConfig, type RunningMemory, start } from './service.ts'
