// Names of providers and models, as the conventions of OpenTelemetry for GenAI have them.
import type { Attribute } from './span.ts'

/** Ours → theirs, where the two differ. */
const providers: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  gemini: 'gcp.gemini',
  google: 'gcp.gemini',
  mistral: 'mistral_ai',
  vertex: 'gcp.vertex_ai',
  xai: 'x_ai',
}

/** `model`: provider/model. */
export function modelAttributes(model: string): Record<string, Attribute | undefined> {
  const at = model.indexOf('/')
  const provider = at < 0 ? undefined : model.slice(0, at)
  const name = model.slice(at + 1)
  return {
    'gen_ai.provider.name': provider === undefined ? undefined : (providers[provider] ?? provider),
    'gen_ai.request.model': name === '' ? undefined : name,
  }
}

export const modelName = (model: string): string => model.slice(model.indexOf('/') + 1)
