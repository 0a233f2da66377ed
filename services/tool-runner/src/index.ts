export { start, type ToolRunnerConfig } from './service.ts'
