// The door of memory.
export { type ArchiveConfig, type MemoryConfig, type RunningMemory, start } from './service.ts'
