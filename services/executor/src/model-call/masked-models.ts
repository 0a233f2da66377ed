// Which secrets are masked in what the models of an agent say.
//   MM1. An agent that names secrets: all of them, in every form, learnt before its model is asked. A tool, a server or a person may have
//        told the model one in a form that nobody masked.
//   MM3. A workflow of a project may hold values of its `env`: whatever this process knows is masked in every form.
//   MM2. Any other: what this process knows, as it is and in JSON, so that its stream holds back as little as can be.
import type { Definitions } from '@reins/context'
import type { Redactor, SecretsRedactor } from '@reins/secrets'

export interface MaskedModelsOptions {
  readonly redactor: SecretsRedactor
  readonly definitions: Pick<Definitions, 'resolved'>
  /** Whether a definition names secrets, after whoever masks has learnt them. Never rejects. */
  readonly learnNamed: (digest: string, definition: unknown) => Promise<boolean>
}

/** Never rejects: where the definition cannot be read, the model is not asked either. */
export function maskedModels({
  redactor,
  definitions,
  learnNamed,
}: MaskedModelsOptions): (digest: string) => Promise<Redactor> {
  const plain = redactor.literal()
  return async (digest) => {
    if (digest.startsWith('sha256-')) return redactor // MM3
    const version = await definitions.resolved(digest).catch(() => undefined)
    return version && (await learnNamed(digest, version.definition)) ? redactor : plain
  }
}
