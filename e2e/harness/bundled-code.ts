// Code that a test holds as a text, bundled as the command line does it: with all that it imports.
import { buildSync } from 'esbuild'

/** `file`: as errors name it. */
export function bundledCode(contents: string, file = 'code.ts'): string {
  const [bundle] = buildSync({
    stdin: { contents, resolveDir: import.meta.dirname, sourcefile: file, loader: 'ts' },
    ...{ bundle: true, format: 'esm', platform: 'node', write: false, sourcemap: 'inline', outfile: 'bundle.mjs' },
    absWorkingDir: import.meta.dirname,
  }).outputFiles
  if (!bundle) throw new Error('esbuild has made nothing')
  return bundle.text
}

/** A project of these workflows, each the body of `run(ctx)`. */
export function workflowsProject(
  workflows: Readonly<Record<string, string>>,
  affinities: Readonly<Record<string, object>> = {},
): string {
  const modules = Object.entries(workflows).map(
    ([workflow, body], at) => `
      async function run${at}(ctx) {
        ${body}
      }
      const w${at} = { module: { run: run${at}, affinity: ${JSON.stringify(affinities[workflow])} }, file: 'src/workflows/${workflow}.ts' }`,
  )
  const names = Object.keys(workflows).map((workflow, at) => `'${workflow}': w${at}`)
  return bundledCode(`
    import { defineProject } from '@reins/agent/project'
    ${modules.join('\n')}
    export default defineProject({ agents: {}, workflows: { ${names.join(', ')} }, channels: {} })`)
}
