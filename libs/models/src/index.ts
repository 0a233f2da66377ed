// The door of @reins/models.
export { type CompatibleConfig, loadModelsConfig, type ModelsConfig, type ModelsConfigResult } from './config.ts'
export { createEmbedder, type Embedder } from './embeddings/embedder.ts'
export { EmbeddingError } from './embeddings/embedding-error.ts'
export { type LoadMedia, withMedia } from './history/result-media.ts'
export { createModels, type Models, type Resolved } from './models.ts'
export { type PricesResult, pricesFrom } from './prices.ts'
export { createScripted, type ScriptedOptions, scriptedModels } from './scripted/scripted.ts'
export { scriptedServerMain } from './scripted/server.ts'
