// How a service is started as the next build of Reins (newer-build.ts).
import { fileURLToPath } from 'node:url'
import type { ServiceSettings } from '../harness/world.ts'

export const newer: ServiceSettings = {
  fromSources: true,
  environment: { NODE_OPTIONS: `--import ${fileURLToPath(new URL('newer-build.ts', import.meta.url))}` },
}
