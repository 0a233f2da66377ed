// The door of @reins/context: what a model is sent, and how it is made again for a call of the past. Pure, but for reading definitions.
export { type CallSettings, type DefinitionSource, Definitions, type Settings, settingsOf } from './definitions.ts'
export { type Prompt, promptOf } from './prompt.ts'
export { digestOfText, promptDigests } from './prompt-digest.ts'
export { type SummaryRequest, summaryRequest, summarySystem, textIn } from './summary.ts'
