import { buildSync } from 'esbuild'
import { expect, test } from 'vitest'
import { describeProject } from './describe-project.ts'

const project = (initializer: string): string => {
  const contents = `
    import { createAgent } from '@reins/agent'
    import { defineProject } from '@reins/agent/project'
    const desk = { module: { default: createAgent(${initializer}) }, file: 'src/agents/desk.ts' }
    export default defineProject({ agents: { desk }, workflows: {}, channels: {} })`
  const [file] = buildSync({
    stdin: { contents, resolveDir: import.meta.dirname },
    ...{ bundle: true, format: 'esm', platform: 'node', write: false },
  }).outputFiles
  return file?.text ?? ''
}

test('a build names a field that an initializer returns and no agent has, and nothing that it throws', async () => {
  const described = (initializer: string) => describeProject(project(initializer), process.execPath)
  expect(await described("() => ({ model: 'a/b', instruction: 'x' })")).toEqual({
    kind: 'failed',
    problems: [expect.stringContaining('src/agents/desk.ts: createAgent() initializer returned unknown')],
  })
  expect(await described('() => { throw new Error() }')).toMatchObject({ kind: 'manifest' })
})
