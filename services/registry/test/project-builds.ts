// Built projects by their text, for tests: nothing is loaded and nothing is kept.
import { bundleDigest, type ProjectManifest } from '@reins/contracts'
import type { ProjectsOptions } from '../src/projects/projects.ts'

export const emptyManifest: ProjectManifest = { agents: [], workflows: [], channels: [], app: false }

export function projectBuilds(manifests: Readonly<Record<string, ProjectManifest>>): ProjectsOptions['bundles'] {
  const found = (text: string) => manifests[text] ?? emptyManifest
  return {
    project: async (_name, text) => ({
      kind: 'known',
      bundle: { digest: bundleDigest(Buffer.from(text)), bytes: Buffer.from(text), tools: [] },
      manifest: found(text),
    }),
    manifest: async () => undefined,
    keep: async () => {},
    claim: async () => true,
  }
}
