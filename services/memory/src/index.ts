// The door of memory.
export { type MemoryConfig, type RunningMemory, start } from './service.ts'
