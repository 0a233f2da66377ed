import { expect, test } from 'vitest'
import { defineProject, projectMarker } from './define-project.ts'

const described = (module: unknown) =>
  defineProject({ agents: {}, workflows: {}, channels: {}, config: { module, file: 'reins.config.ts' } })[
    projectMarker
  ].describe()

test('the names that a project declares stand in its manifest', () => {
  expect(described({ env: ['REGION'], secrets: ['STRIPE_KEY', 'STRIPE_KEY'] })).toMatchObject({
    kind: 'manifest',
    manifest: { env: ['REGION'], secrets: ['STRIPE_KEY'] },
  })
  expect(described({})).toMatchObject({ kind: 'manifest', manifest: { app: false } })
})

test.each([
  [undefined, 'must default-export an object'],
  [{ secret: ['A'] }, 'has the unknown field "secret"'],
  [{ secrets: { STRIPE_KEY: 'sk-1' } }, 'secrets must be a list of names, and holds no values'],
  [{ env: ['A B'] }, 'env has "A B", which is no name'],
  [{ env: ['A'], secrets: ['A'] }, 'names A in env and in secrets'],
  [{ env: Array.from({ length: 41 }, (_, index) => `N${index}`) }, 'env has 41 names; at most 40'],
])('%j is refused with what to write', (module, message) => {
  expect(described(module)).toMatchObject({
    kind: 'problems',
    problems: [{ module: 'reins.config.ts', message: expect.stringContaining(message) }],
  })
})
