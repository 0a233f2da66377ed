// A tool context over a real temporary folder, for tests.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { ToolContext, ToolSettings } from '../src/calls/context.ts'
import { PathLocks } from '../src/calls/path-locks.ts'
import { defaultSettings } from '../src/resolve.ts'
import { runTool } from '../src/calls/run.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import { noGuard } from '../src/workspace/guard.ts'

export const noSandbox: Sandbox = {
  kind: 'none',
  detail: 'none for this test',
  networkAllowed: false,
  filtered: false,
  spawn: () => ({ kind: 'refused', message: 'no sandbox in this test' }),
}

/** A new folder with these files, real path, removed when the test ends. */
export function temporaryFolder(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reins-tools-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

export interface Kept {
  readonly context: ToolContext & { readonly locks: PathLocks }
  readonly progress: string[]
  /** What was handed over to be kept, by reference. */
  readonly whole: Map<string, Buffer>
}

export function fakeContext(
  workspace: string,
  {
    masked = [],
    ...changes
  }: Partial<Omit<ToolContext, 'settings' | 'locks'>> & {
    readonly settings?: Partial<ToolSettings>
    readonly masked?: readonly string[]
  } = {},
): Kept {
  const progress: string[] = []
  const whole = new Map<string, Buffer>()
  const context: Kept['context'] = {
    workspace,
    signal: new AbortController().signal,
    idempotencyKey: 'key-1',
    guard: { ...noGuard, masked },
    sandbox: noSandbox,
    progress: (text) => progress.push(text),
    keep: async (output) => {
      const ref = `whole-${whole.size + 1}`
      const chunks: Uint8Array[] = []
      if (output instanceof Uint8Array) chunks.push(output)
      else for await (const chunk of output) chunks.push(chunk)
      whole.set(ref, Buffer.concat(chunks))
      return { ref, dropped: 0 }
    },
    locks: new PathLocks(),
    ...changes,
    settings: { ...defaultSettings, ...changes.settings },
  }
  return { context, progress, whole }
}

/** Runs a tool and reads its JSON answer; `code` is there for errors. */
export async function call(name: string, args: unknown, context: ToolContext): Promise<Record<string, unknown>> {
  const outcome = await runTool(name, args, context)
  const answer: unknown = JSON.parse(outcome.output)
  if (typeof answer !== 'object' || answer === null) throw new Error('the answer is no object')
  return {
    ...answer,
    ...(outcome.code === undefined ? {} : { code: outcome.code }),
    ...(outcome.ref === undefined ? {} : { ref: outcome.ref }),
  }
}
