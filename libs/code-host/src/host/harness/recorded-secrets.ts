// Secrets of a project in what its code asks a session for. Commands, files and arguments are recorded, and masked there: what holds a secret
// would not be what the code meant, so it is refused before it is asked for.
import type { RunInput } from '../../messages.ts'

/** What is shorter is found by chance. */
const shortest = 6

export function secretsRefused({
  env = {},
  secrets = [],
}: NonNullable<RunInput['workflow']>): (what: string, texts: readonly unknown[]) => void {
  const values = secrets.flatMap((name) => {
    const value = env[name] ?? ''
    return value.length >= shortest ? [{ name, value, bytes: Buffer.from(value) }] : []
  })
  return (what, texts) => {
    for (const text of texts.flatMap(textsIn))
      for (const { name, value, bytes } of values)
        if (typeof text === 'string' ? text.includes(value) : Buffer.from(text).includes(bytes))
          throw Object.assign(
            new Error(
              `${what} would hold the value of the secret ${name}, and be recorded. Use it inside of ctx.step(), or in the function of a tool of the agent: what these are given is recorded nowhere`,
            ),
            { name: 'SecretRecordedError', code: 'secret-recorded' },
          )
  }
}

function textsIn(value: unknown): readonly (string | Uint8Array)[] {
  if (typeof value === 'string' || value instanceof Uint8Array) return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => [key, ...textsIn(one)])
}
