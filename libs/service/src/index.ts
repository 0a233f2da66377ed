export { type Clock, systemClock } from './clock.ts'
export { ConfigError, type Env, Environment } from './environment.ts'
export { noPausePoints, type PausePoint, pausePoints } from './pause-points.ts'
export { type CloseReport, Closing, type Running } from './running.ts'
