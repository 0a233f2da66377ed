// A bundle as people's files become one, and the sandbox of this machine, for tests.
import { dirname } from 'node:path'
import { detectSandbox, type Sandbox } from '@reins/tools'
import { buildSync } from 'esbuild'

/** TypeScript that may import @reins/agent, as one ESM text. */
export function bundleOf(source: string): string {
  const [file] = buildSync({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'ts', sourcefile: 'tools.ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    sourcemap: 'inline',
    write: false,
    logLevel: 'silent',
  }).outputFiles
  return file?.text ?? ''
}

/** `body`: exports, with defineTool, Type and content at hand, and `any`, the parameters that take anything. */
export const toolsOf = (body: string): string =>
  bundleOf(`import { content, defineTool, Type } from '@reins/agent'
const any = { type: 'object' }
${body}`)

let found: Promise<Sandbox> | undefined

/** The strongest that works here; unconfined where there is none, so that these tests say what Node alone gives. */
export function sandboxOfThisMachine(): Promise<Sandbox> {
  found ??= detectSandbox({ programs: [dirname(process.execPath)], allowUnsandboxed: true })
  return found
}
