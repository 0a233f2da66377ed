// Secrets and configs as a source asks for them: by name, at the moment of use.
//   NV1. A secret is asked for again each time. Whoever gets one keeps it no longer than the use takes, and writes it nowhere.
//   NV2. A name that cannot be had is a ToolFailure whose message is fit for the model and for the person, and says what to do.
import { ToolFailure } from './outcome.ts'

export interface NamedValues {
  /** The value, as it is now. Rejects with a ToolFailure: there is none, the definition does not name it, nobody can be asked. */
  readonly secrets: (name: string) => Promise<string>
  /** The value of a config, any JSON value. Rejects with a ToolFailure. */
  readonly configs: (name: string) => Promise<unknown>
}

export const missingSecret = (name: string): ToolFailure =>
  new ToolFailure(
    'not-found',
    `there is no secret ${JSON.stringify(name)}. A person has to set it first: reins secret set ${name}`,
  )

export const missingConfig = (name: string): ToolFailure =>
  new ToolFailure(
    'not-found',
    `there is no config ${JSON.stringify(name)}. A person has to set it first: reins config set ${name} VALUE`,
  )

/** Where there are none. */
export const noValues: NamedValues = {
  secrets: async (name) => {
    throw missingSecret(name)
  },
  configs: async (name) => {
    throw missingConfig(name)
  },
}
