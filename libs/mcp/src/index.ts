// The one door of @reins/mcp: MCP servers as a source of tools.
export type { Ends } from './connect.ts'
export type { ServerInfo } from './connection.ts'
export { type Mask, maskedAnswer } from './calls/masked-answer.ts'
export { type Discovery, McpServers, type Secret, type ServerReport, type ServerTools } from './mcp-servers.ts'
