// The door of @reins/session-gateway. Its web server is loaded where it runs: whoever reads its settings, as every service does, starts
// without it.
import type { GatewayConfig } from './ports.ts'
import type { RunningGateway } from './service.ts'

export { defaultLimits, defaultPort, type GatewaySettings, type Limits, loadGatewaySettings } from './config.ts'
export { errorsDocument } from './doors/http/documents/errors-doc.ts'
export { permissionsDocument } from './doors/http/documents/permissions-doc.ts'
export { type Admission, brokerPorts, type CallService, type GatewayConfig, type Heartbeats } from './ports.ts'
export type { RunningGateway } from './service.ts'
export { auditSource } from './audit-source.ts'
export type { Identities, Identity } from './api/access/identities.ts'

export const start = async (config: GatewayConfig): Promise<RunningGateway> =>
  (await import('./service.ts')).start(config)
