export { type Applicable, type Checkpoint, checkpointIn, joining } from './checkpoint.ts'
export { isAway, migrate, openDatabase } from './database.ts'
export { type FollowedStream, type FollowedStreamOptions, followStream } from './followed-stream.ts'
export {
  type Following,
  healthOf,
  type LoopOptions,
  type ProjectionLoop,
  type ProjectionState,
  runLoop,
  Unprojectable,
} from './loop.ts'
export { type RowWrite, writeFrom } from './row-write.ts'
