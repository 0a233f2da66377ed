// The client scenarios of the conformance suite that apply: of the others, auth/* is about OAuth, which Reins does not speak.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const require = createRequire(import.meta.url)
const suite = path.join(
  path.dirname(require.resolve('@modelcontextprotocol/conformance/package.json')),
  'dist',
  'index.js',
)
const client = path.join(import.meta.dirname, 'conformance-client.ts')

it.each(['initialize', 'tools_call', 'elicitation-sep1034-client-defaults', 'sse-retry'])(
  'the scenario %s passes',
  async (scenario) => {
    const out = mkdtempSync(path.join(tmpdir(), 'reins-conformance-'))
    onTestFinished(() => rmSync(out, { recursive: true, force: true }))
    const args = [suite, 'client', '--command', `${process.execPath} ${client}`, '--scenario', scenario, '-o', out]
    const said = await new Promise<string>((resolve) => {
      execFile(process.execPath, args, { timeout: 100_000 }, (_error, stdout, stderr) => resolve(stdout + stderr))
    })
    expect(said).toContain('OVERALL: PASSED')
  },
  120_000,
)
