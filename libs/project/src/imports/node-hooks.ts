// For tests of a project under plain Node: what the bundler does with imports, Node's loader does here.
//   NH1. @reins/agent and its doors come from this Reins, wherever the project lies, and whatever is installed there.
//   NH2. Skills and Markdown are the modules that the bundler makes of them (T3 of texts.ts).
import type { LoadFnOutput, LoadHook, ResolveHook } from 'node:module'
import { fileURLToPath } from 'node:url'
import { namesSkillFolder, withSkillFolders } from './skill-folders.ts'
import { textKind, textModule } from './texts.ts'

export const resolve: ResolveHook = async (specifier, context, next) => {
  if (/^@reins\/agent(\/|$)/.test(specifier)) return next(specifier, { ...context, parentURL: import.meta.url })
  if (!/^typebox(\/|$)/.test(specifier)) return next(specifier, context)
  try {
    return await next(specifier, context)
  } catch {
    return next(specifier, { ...context, parentURL: import.meta.url })
  }
}

export const load: LoadHook = async (url, context, next) => {
  if (!url.startsWith('file:')) return next(url, context)
  const file = fileURLToPath(url)
  const kind = textKind(file, context.importAttributes.type)
  if (kind === undefined) return withSkills(file, await next(url, context))
  const made = await textModule(file, kind)
  if (made.kind === 'failed') throw new Error(made.problems.join('\n'))
  return { format: 'module', source: made.code, shortCircuit: true }
}

async function withSkills(file: string, loaded: LoadFnOutput): Promise<LoadFnOutput> {
  if (!loaded.source || /[\\/]node_modules[\\/]/.test(file)) return loaded
  const source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString()
  if (!namesSkillFolder(source)) return loaded
  const made = await withSkillFolders(source, file)
  if (made.kind === 'failed') throw new Error(made.problems.join('\n'))
  return { ...loaded, source: made.source }
}
