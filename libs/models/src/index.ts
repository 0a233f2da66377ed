// The door of @reins/models.
export { type CompatibleConfig, loadModelsConfig, type ModelsConfig, type ModelsConfigResult } from './config.ts'
export { estimateTokens, type Fitted, fitToWindow, type Window } from './history/context-fit.ts'
export { createModels, type Models, type Resolved } from './models.ts'
export { createScripted, type ScriptedOptions, scriptedModels } from './scripted/scripted.ts'
export {
  type ScriptedServer,
  type ScriptedServerOptions,
  scriptedServerMain,
  startScriptedServer,
} from './scripted/server.ts'
