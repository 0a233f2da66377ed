// The door of @reins/models.
export { type CompatibleConfig, loadModelsConfig, type ModelsConfig, type ModelsConfigResult } from './config.ts'
export { type LoadMedia, withMedia } from './history/result-media.ts'
export { createModels, type Models, type Resolved } from './models.ts'
export { pricesFrom, type PricesResult } from './prices.ts'
export { createScripted, type ScriptedOptions, scriptedModels } from './scripted/scripted.ts'
export { scriptedServerMain } from './scripted/server.ts'
