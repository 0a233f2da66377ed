// Flue as npm has it, in the newest version of the line that has workflows: runtime and command line. Both are under Apache-2.0.
import { install } from './install.ts'

export const flueVersion = '0.10.2'

/** The folder that has it in its node_modules. Throws an Error that says what is missing. */
export function installFlue(cache: string, say: (line: string) => void): Promise<string> {
  const packages = [`@flue/runtime@${flueVersion}`, `@flue/cli@${flueVersion}`]
  return install({ name: 'Flue', packages, folder: `flue-${flueVersion}` }, cache, say)
}
