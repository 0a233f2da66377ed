// A project as one module: discovered, and bundled behind the entry that is generated for it.
import path from 'node:path'
import { bundleDigest } from '@reins/contracts'
import { type Bundled, type Bundler, noBundler, openBundler } from './bundle.ts'
import { discover, type FoundProject } from '../discovery/discover.ts'
import { generatedEntry } from './generated-entry.ts'

export type BuiltProject =
  | { readonly kind: 'built'; readonly project: FoundProject; readonly text: string; readonly digest: string }
  /** `project`: it was discovered, and could not be bundled. */
  | { readonly kind: 'failed'; readonly project?: FoundProject; readonly problems: readonly string[] }

/** Builds again and again. Whoever opens it closes it. */
export interface ProjectBuilder {
  /** `discovered`: is told what there is before anything is bundled. */
  build(discovered?: (project: FoundProject) => void): Promise<BuiltProject>
  close(): Promise<void>
}

/** `folder`: the project's, as it was named, from the current folder. */
export function projectBuilder(folder: string): ProjectBuilder {
  let bundler: Promise<Bundler | undefined> | undefined
  return {
    build: async (discovered) => {
      const found = await discover(folder)
      if (found.kind === 'failed') return found
      const { project } = found
      discovered?.(project)
      bundler ??= openBundler()
      const opened = await bundler
      const bundled: Bundled = opened
        ? await opened.bundle({
            name: folder === '.' ? 'the project' : folder,
            folder: project.root,
            shownFolder: folder === '' ? '.' : path.normalize(folder),
            entry: { contents: generatedEntry(project) },
          })
        : { kind: 'failed', problems: [noBundler] }
      if (bundled.kind === 'failed') return { ...bundled, project }
      return { kind: 'built', project, text: bundled.text, digest: bundleDigest(Buffer.from(bundled.text)) }
    },
    close: async () => (await bundler)?.close(),
  }
}

export async function buildProject(
  folder: string,
  discovered?: (project: FoundProject) => void,
): Promise<BuiltProject> {
  const builder = projectBuilder(folder)
  try {
    return await builder.build(discovered)
  } finally {
    await builder.close()
  }
}
