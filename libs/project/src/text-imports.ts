// The bundler's side of imports that are no code (texts.ts).
import type { Plugin } from 'esbuild'
import { textKind, textModule } from './texts.ts'

export const textImports: Plugin = {
  name: 'reins-text-imports',
  setup(plugin) {
    plugin.onLoad({ filter: /.*/ }, async ({ path: file, with: attributes }) => {
      const kind = textKind(file, attributes.type)
      if (kind === undefined) return undefined
      const made = await textModule(file, kind)
      return made.kind === 'module'
        ? { contents: made.code, loader: 'js' }
        : { errors: made.problems.map((problem) => ({ text: problem })) }
    })
  },
}
