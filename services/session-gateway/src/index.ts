// The door of @reins/session-gateway.
export { defaultLimits, defaultPort, type GatewaySettings, type Limits, loadGatewaySettings } from './config.ts'
export { errorsDocument } from './doors/http/errors-doc.ts'
export { permissionsDocument } from './doors/http/permissions-doc.ts'
export { type Admission, brokerPorts, type CallService, type GatewayConfig, type Heartbeats } from './ports.ts'
export { type RunningGateway, start } from './service.ts'
export { auditSource } from './audit-source.ts'
export type { Identities, Identity } from './api/access/identities.ts'
