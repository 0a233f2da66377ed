// The bundler's side of imports that are no code (texts.ts).
import { readFile } from 'node:fs/promises'
import type { Loader, Plugin } from 'esbuild'
import { namesSkillFolder, withSkillFolders } from './skill-folders.ts'
import { textKind, textModule } from './texts.ts'

export const textImports: Plugin = {
  name: 'reins-text-imports',
  setup(plugin) {
    plugin.onLoad({ filter: /.*/ }, async ({ path: file, namespace, with: attributes }) => {
      const kind = textKind(file, attributes.type)
      if (kind === undefined)
        return namespace === 'file' && attributes.type === undefined ? withSkills(file) : undefined
      const made = await textModule(file, kind)
      return made.kind === 'module'
        ? { contents: made.code, loader: 'js' }
        : { errors: made.problems.map((problem) => ({ text: problem })) }
    })
  },
}

const loaders: Readonly<Record<string, Loader>> = { ts: 'ts', mts: 'ts', tsx: 'tsx', js: 'js', mjs: 'js', jsx: 'jsx' }

/** undefined: the module names no folder of skills. */
async function withSkills(file: string) {
  const loader = loaders[file.slice(file.lastIndexOf('.') + 1)]
  if (!loader || /[\\/]node_modules[\\/]/.test(file)) return undefined
  const source = await readFile(file, 'utf8')
  if (!namesSkillFolder(source)) return undefined
  const made = await withSkillFolders(source, file)
  return made.kind === 'source'
    ? { contents: made.source, loader }
    : { errors: made.problems.map((problem) => ({ text: problem })) }
}
