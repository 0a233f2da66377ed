// The door of the registry.

export type { BootstrapToken } from './access/bootstrap-tokens.ts'
export {
  type DefinitionSource,
  type ParsedDefinition,
  parseDefinition,
  problemsText,
} from './definition/definition-source.ts'
export { type RegistryConfig, type RunningRegistry, start } from './service.ts'
