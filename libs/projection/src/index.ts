export { type Applicable, type Checkpoint, checkpointIn } from './checkpoint.ts'
export { isAway, migrate, openDatabase } from './database.ts'
export {
  type Following,
  healthOf,
  type LoopOptions,
  type ProjectionLoop,
  type ProjectionState,
  runLoop,
  Unprojectable,
} from './loop.ts'
